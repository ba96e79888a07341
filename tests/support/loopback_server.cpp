#include "tests/support/loopback_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "tests/support/test.h"

namespace bobbin::test {
namespace {

using Clock = std::chrono::steady_clock;
// Only a test that fails takes so long.
constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kTurnsToSettle = 12;

std::string take_until(std::string& bytes, std::string_view end, bool& found) {
  const size_t at = bytes.find(end);
  found = at != std::string::npos;
  if (!found) return {};
  std::string taken = bytes.substr(0, at + end.size());
  bytes.erase(0, at + end.size());
  return taken;
}

// False when more bytes are needed.
bool take_chunks(std::string& bytes, Answer& answer) {
  for (;;) {
    bool found = false;
    const std::string size_line = take_until(bytes, "\r\n", found);
    if (!found) return false;
    const size_t size = std::stoul(size_line, nullptr, 16);
    if (bytes.size() < size + 2) return false;
    CHECK_EQ(bytes.substr(size, 2), "\r\n");
    if (size > 0) answer.chunks.push_back(bytes.substr(0, size));
    answer.body += bytes.substr(0, size);
    bytes.erase(0, size + 2);
    if (size == 0) return true;
  }
}

}  // namespace

std::string Answer::field(std::string_view name) const {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const size_t at = head.find(start);
  if (at == std::string::npos) return {};
  const size_t from = at + start.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

Answer take_answer(std::string& bytes, bool to_head_request) {
  std::string rest = bytes;
  Answer answer;
  bool found = false;
  answer.head = take_until(rest, "\r\n\r\n", found);
  if (!found) return {};
  CHECK_EQ(answer.head.substr(0, 9), "HTTP/1.1 ");
  answer.status = std::stoi(answer.head.substr(9, 3));
  answer.is_complete = true;
  const bool has_body = !to_head_request && answer.status >= 200 && answer.status != 204 && answer.status != 304;
  if (has_body && answer.field("Transfer-Encoding") == "chunked") {
    answer.is_complete = take_chunks(rest, answer);
  } else if (has_body && !answer.field("Content-Length").empty()) {
    const size_t size = std::stoul(answer.field("Content-Length"));
    answer.is_complete = rest.size() >= size;
    answer.body = rest.substr(0, size);
    if (answer.is_complete) rest.erase(0, size);
  } else if (has_body) {
    answer.body = std::exchange(rest, {});  // to the end of the connection: the test knows when that is
  }
  if (answer.is_complete) bytes = rest;
  return answer;
}

LoopbackServer::LoopbackServer(const net::HttpServer::Options& options, Handler handler)
    : handler_(std::move(handler)),
      server_(std::make_unique<net::HttpServer>(loop_, options, static_cast<net::RequestHandler&>(*this))) {
  std::signal(SIGPIPE, SIG_IGN);
  const net::BoundAddress address = CHECK_OK(net::probe_address("127.0.0.1", 0));
  CHECK(server_->listen(address).has_value());
  port_ = address.port();
}

LoopbackServer::~LoopbackServer() {
  for (Client& client : clients_)
    if (client.fd >= 0) ::close(client.fd);
  server_->close_all();
  run_until([&] { return server_->closed().is_done(); });
  server_.reset();
  loop_.close();
  loop_.run();
}

int LoopbackServer::connect_socket(int receive_buffer_bytes, uint16_t& client_port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  if (receive_buffer_bytes > 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    ::close(fd);
    return -1;
  }
  client_port = ntohs(address.sin_port);
  return fd;
}

ConnId LoopbackServer::connect_unseen(int receive_buffer_bytes) {
  Client client;
  client.fd = connect_socket(receive_buffer_bytes, client.port);
  CHECK(client.fd >= 0);
  closed_.erase(client.port);
  clients_.push_back(std::move(client));
  return clients_.size() - 1;
}

ConnId LoopbackServer::connect_tls(const net::TlsContext& context, int receive_buffer_bytes) {
  const ConnId id = connect_unseen(receive_buffer_bytes);
  clients_[id].tls = CHECK_OK(net::TlsStream::make_client(context, "localhost"));
  send_wire(id, clients_[id].tls->take_output());
  CHECK(run_until([&] { return clients_[id].tls->is_open(); }));
  settle();
  return id;
}

bool LoopbackServer::saw_goodbye(ConnId id) {
  settle();
  return clients_.at(id).tls->is_ended_by_peer();
}

void LoopbackServer::say_goodbye(ConnId id) {
  clients_.at(id).tls->end();
  send_wire(id, clients_[id].tls->take_output());
}

ConnId LoopbackServer::connect(int receive_buffer_bytes) {
  const ConnId id = connect_unseen(receive_buffer_bytes);
  settle();
  return id;
}

bool LoopbackServer::can_connect() {
  uint16_t port = 0;
  const int fd = connect_socket(0, port);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

void LoopbackServer::send_unseen(ConnId id, std::string_view bytes) {
  CHECK_EQ(::send(clients_.at(id).fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
           static_cast<ssize_t>(bytes.size()));
}

void LoopbackServer::send(ConnId id, std::string_view bytes) {
  net::TlsStream* tls = clients_.at(id).tls.get();
  if (tls == nullptr) return send_wire(id, bytes);
  CHECK_OK(tls->send(bytes));
  send_wire(id, tls->take_output());
}

void LoopbackServer::send_wire(ConnId id, std::string_view bytes) {
  const auto give_up = Clock::now() + kPatience;
  while (!bytes.empty() && Clock::now() < give_up) {
    const ssize_t sent = ::send(clients_.at(id).fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN) break;
    turn();
  }
  settle();
}

Answer LoopbackServer::answer(ConnId id, bool to_head_request) {
  Answer answer;
  CHECK(run_until([&] {
    answer = take_answer(received(id), to_head_request);
    return answer.is_complete;
  }));
  return answer;
}

bool LoopbackServer::saw_end(ConnId id) {
  settle();
  return clients_.at(id).ended;
}

void LoopbackServer::shut_sending(ConnId id) {
  ::shutdown(clients_.at(id).fd, SHUT_WR);
  settle();
}

void LoopbackServer::disconnect(ConnId id) {
  ::close(std::exchange(clients_.at(id).fd, -1));
  settle();
}

void LoopbackServer::reset(ConnId id) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(clients_.at(id).fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  disconnect(id);
}

void LoopbackServer::advance_ms(uint64_t ms) {
  loop_.advance_ms(ms);
  settle();
}

void LoopbackServer::settle() {
  for (int i = 0; i < kTurnsToSettle; ++i) turn();
}

bool LoopbackServer::run_until(const std::function<bool()>& condition) {
  const auto give_up = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > give_up) return false;
    turn();
  }
  return true;
}

std::optional<Code> LoopbackServer::close_reason(ConnId id) {
  settle();
  const auto found = closed_.find(clients_.at(id).port);
  return found == closed_.end() ? std::nullopt : std::optional(found->second);
}

void LoopbackServer::on_request(net::Request&& request, net::Responder responder) noexcept {
  ++request_count_;
  if (handler_) return handler_(std::move(request), responder);
  std::string text(request.head.method_text());
  text.append(" ").append(request.head.target()).append(" ").append(request.body);
  responder.send({.content_type = "text/plain", .body = std::move(text)});
}

void LoopbackServer::on_connection_closed(const net::SocketAddress& peer, Code reason) noexcept {
  closed_.insert_or_assign(peer.port(), reason);
}

void LoopbackServer::append_common_headers(const http::RequestHead* head, net::HeaderList& headers) noexcept {
  if (common_headers_) common_headers_(head, headers);
}

void LoopbackServer::turn() {
  loop_.run_once();
  for (Client& client : clients_)
    if (client.fd >= 0 && !client.paused && !client.ended) receive(client);
}

void LoopbackServer::receive(Client& client) {
  char buffer[64 * 1024];
  const ssize_t count = ::recv(client.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count > 0 && client.tls != nullptr) {
    // A fault shows as an end without a goodbye.
    client.ended |= !client.tls->receive({buffer, static_cast<size_t>(count)}, client.received).has_value();
    const std::string reply = client.tls->take_output();  // of the handshake: small
    if (!reply.empty()) ::send(client.fd, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (count > 0) {
    client.received.append(buffer, static_cast<size_t>(count));
  }
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) client.ended = true;
}

}  // namespace bobbin::test
