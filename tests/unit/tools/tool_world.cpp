#include "tests/unit/tools/tool_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "src/base/assert.h"
#include "src/loop/spawn.h"

namespace bobbin::tools::test {
namespace {

Task<void> run(Toolbox* toolbox, std::string name, std::string arguments, ToolWorld::Running* running) {
  running->result = co_await toolbox->call(std::move(name), std::move(arguments), running->statuses, running->scope);
}

Task<void> list(Toolbox* toolbox, CancelScope* scope, std::optional<std::vector<ToolSpec>>* specs) {
  *specs = co_await toolbox->specs(*scope);
}

Task<void> close_toolbox(Toolbox* toolbox, bool* is_closed) {
  co_await toolbox->close();
  *is_closed = true;
}

}  // namespace

std::string Request::header(const std::string& name) const {
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const size_t from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

RouteServer::RouteServer(Handler handler_in) : handler(std::move(handler_in)) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  BOBBIN_ASSERT(fd_ >= 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  BOBBIN_ASSERT(bind(fd_, reinterpret_cast<sockaddr*>(&address), bytes) == 0);
  BOBBIN_ASSERT(listen(fd_, 64) == 0);
  BOBBIN_ASSERT(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
  port_ = ntohs(address.sin_port);
}

RouteServer::~RouteServer() {
  for (const Peer& peer : peers_) ::close(peer.fd);
  ::close(fd_);
}

std::string RouteServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void RouteServer::pump() {
  for (int fd = 0; (fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) peers_.push_back({.fd = fd});
  for (Peer& peer : peers_) {
    char piece[16384];
    ssize_t bytes = 0;
    while ((bytes = recv(peer.fd, piece, sizeof piece, 0)) > 0) peer.received.append(piece, static_cast<size_t>(bytes));
    if (bytes == 0 || errno != EAGAIN) {
      ::close(peer.fd);
      peer.fd = -1;
      continue;
    }
    answer(peer);
    send_waiting(peer);
  }
  std::erase_if(peers_, [](const Peer& peer) { return peer.fd < 0; });
}

void RouteServer::answer(Peer& peer) {
  const size_t head_end = peer.received.find("\r\n\r\n");
  if (head_end == std::string::npos) return;
  Request request{.method = {}, .target = {}, .head = peer.received.substr(0, head_end + 2), .body = {}};
  const std::string length = request.header("Content-Length");
  const size_t body_bytes = length.empty() ? 0 : std::stoul(length);
  if (peer.received.size() < head_end + 4 + body_bytes) return;
  request.body = peer.received.substr(head_end + 4, body_bytes);
  const size_t space = request.head.find(' ');
  request.method = request.head.substr(0, space);
  request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
  peer.received.erase(0, head_end + 4 + body_bytes);
  requests.push_back(request);
  const std::string bytes = handler(request);
  if (bytes != kHangUp) peer.unsent += bytes;
  peer.closes = bytes == kHangUp || bytes.find("Connection: close") != std::string::npos;
}

// What does not fit into the socket waits for the next pump().
void RouteServer::send_waiting(Peer& peer) {
  while (!peer.unsent.empty()) {
    const ssize_t sent = send(peer.fd, peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    peer.unsent.erase(0, static_cast<size_t>(sent));
  }
  if (!peer.closes) return;
  ::close(peer.fd);
  peer.fd = -1;
}

std::string answer(const std::string& status, const std::string& body, const std::string& fields) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

ToolWorld::~ToolWorld() {
  if (!is_closed_) close();
}

void ToolWorld::close() {
  is_closed_ = true;
  bool is_done = false;
  spawn(gate_, close_toolbox(&toolbox, &is_done));
  until([&] { return is_done; });
}

ToolWorld::Running& ToolWorld::begin(const std::string& name, const std::string& arguments) {
  Running& running = *running_.emplace_back(std::make_unique<Running>());
  spawn(gate_, run(&toolbox, name, arguments, &running));
  return running;
}

ToolResult ToolWorld::call(const std::string& name, const std::string& arguments) {
  Running& running = begin(name, arguments);
  until([&] { return running.result.has_value(); });
  statuses = running.statuses.lines;
  return *running.result;
}

std::vector<ToolSpec> ToolWorld::specs() {
  CancelScope scope;
  std::optional<std::vector<ToolSpec>> specs;
  spawn(gate_, list(&toolbox, &scope, &specs));
  until([&] { return specs.has_value(); });
  return *specs;
}

}  // namespace bobbin::tools::test
