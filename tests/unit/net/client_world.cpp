#include "tests/unit/net/client_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/assert.h"
#include "src/loop/spawn.h"

namespace bobbin::net::test {
namespace {

Task<void> run(Exchange* x) {
  auto head = co_await x->call.head();
  if (!head) {
    x->error = head.error();
    x->done = true;
    co_return;
  }
  x->head = std::move(*head);
  for (;;) {
    if (x->is_slow) {
      co_await x->permit;
      x->permit.reset();
    }
    auto piece = co_await x->call.read();
    if (!piece) {
      x->error = piece.error();
      break;
    }
    if (piece->empty()) break;
    x->body += *piece;
    ++x->pieces;
    x->largest_piece_bytes = std::max(x->largest_piece_bytes, piece->size());
  }
  x->done = true;
}

void make_non_blocking(int fd) {
  BOBBIN_ASSERT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

SSL* as_ssl(void* ssl) { return static_cast<SSL*>(ssl); }

}  // namespace

void Exchange::allow_one_read() {
  if (!permit.is_done()) permit.complete();
}

void Exchange::allow_all_reads() {
  is_slow = false;
  allow_one_read();
}

World::World(HttpClientOptions options) { client.emplace(loop, std::move(options)); }

World::~World() {
  if (!is_closing) client->begin_close();
  for (auto& exchange : exchanges_) {
    exchange->is_slow = false;
    if (!exchange->done) exchange->allow_one_read();
  }
  loop.close();
  loop.run();
  BOBBIN_ASSERT(client->open_count() == 0);
  BOBBIN_ASSERT(gate_.count() == 0);
  exchanges_.clear();
}

Exchange& World::start(HttpCallOptions options, bool is_slow) {
  exchanges_.push_back(std::make_unique<Exchange>(*client, std::move(options)));
  Exchange& exchange = *exchanges_.back();
  exchange.is_slow = is_slow;
  spawn(gate_, run(&exchange));
  return exchange;
}

Exchange& World::get(const std::string& url) {
  Exchange& exchange = start(get_options(url));
  finish(exchange);
  return exchange;
}

void World::forget(Exchange& exchange) {
  std::erase_if(exchanges_, [&](const auto& candidate) { return candidate.get() == &exchange; });
}

void World::step() {
  loop.run_once();
  sched_yield();
}

void World::settle() {
  for (int turn = 0; turn < 4; ++turn) loop.run_once();
}

HttpCallOptions get_options(const std::string& url) {
  HttpCallOptions options;
  options.url = CHECK_OK(http::parse_url(url));
  return options;
}

PeerConnection::PeerConnection(World& world, int fd) : world_(world), fd_(fd) { make_non_blocking(fd); }

PeerConnection::PeerConnection(PeerConnection&& other) noexcept
    : world_(other.world_),
      fd_(std::exchange(other.fd_, -1)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      received_(std::move(other.received_)),
      ended_(other.ended_) {}

PeerConnection::~PeerConnection() {
  SSL_free(as_ssl(ssl_));
  close();
}

bool PeerConnection::begin_tls(void* context, size_t piece_bytes) {
  SSL* ssl = SSL_new(static_cast<SSL_CTX*>(context));
  ssl_ = ssl;
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl);
  bool failed = false;
  world_.until([&] {
    pump_in();
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl);
    send_wire(take_tls_output(), piece_bytes);
    if (result == 1) return true;
    failed = SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ || ended_;
    return failed;
  });
  ERR_clear_error();
  return !failed;
}

void PeerConnection::pump_in() {
  char piece[16384];
  for (;;) {
    const ssize_t bytes = recv(fd_, piece, sizeof piece, 0);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) ended_ = true;
    if (bytes <= 0) break;
    if (ssl_ == nullptr) {
      received_.append(piece, static_cast<size_t>(bytes));
    } else {
      BIO_write(SSL_get_rbio(as_ssl(ssl_)), piece, static_cast<int>(bytes));
    }
  }
  if (ssl_ == nullptr || !SSL_is_init_finished(as_ssl(ssl_))) return;
  ERR_clear_error();
  for (int bytes = 0; (bytes = SSL_read(as_ssl(ssl_), piece, sizeof piece)) > 0;)
    received_.append(piece, static_cast<size_t>(bytes));
  ERR_clear_error();
}

std::string PeerConnection::read_until(std::string_view end) {
  size_t found = std::string::npos;
  world_.until([&] {
    pump_in();
    found = received_.find(end);
    return found != std::string::npos;
  });
  std::string taken = received_.substr(0, found + end.size());
  received_.erase(0, taken.size());
  return taken;
}

std::string PeerConnection::read_request() {
  std::string request = read_until("\r\n\r\n");
  const size_t at = request.find("Content-Length: ");
  if (at == std::string::npos) return request;
  const size_t body_bytes = std::stoul(request.substr(at + 16));
  world_.until([&] {
    pump_in();
    return received_.size() >= body_bytes;
  });
  request += received_.substr(0, body_bytes);
  received_.erase(0, body_bytes);
  return request;
}

std::string PeerConnection::take_tls_output() {
  char* data = nullptr;
  BIO* bio = SSL_get_wbio(as_ssl(ssl_));
  const long bytes = BIO_get_mem_data(bio, &data);
  std::string output(data, static_cast<size_t>(bytes));
  BIO_reset(bio);
  return output;
}

void PeerConnection::send(std::string_view bytes, size_t piece_bytes) {
  if (ssl_ == nullptr) {
    send_wire(bytes, piece_bytes);
    return;
  }
  SSL_write(as_ssl(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  send_wire(take_tls_output(), piece_bytes);
}

void PeerConnection::send_wire(std::string_view wire, size_t piece_bytes) {
  while (!wire.empty()) {
    const size_t wanted = piece_bytes == 0 ? wire.size() : std::min(piece_bytes, wire.size());
    const ssize_t bytes = ::send(fd_, wire.data(), wanted, MSG_NOSIGNAL);
    if (bytes < 0 && errno != EAGAIN) return;  // the client has gone: what comes of that is the test's matter
    if (bytes > 0) wire.remove_prefix(static_cast<size_t>(bytes));
    if (bytes < 0 || piece_bytes != 0) world_.settle();
  }
}

size_t PeerConnection::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

void PeerConnection::close() {
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

void PeerConnection::close_notify() {
  SSL_shutdown(as_ssl(ssl_));
  send_wire(take_tls_output(), 0);
}

void PeerConnection::reset() {
  const linger hard = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool PeerConnection::is_closed_by_client() {
  pump_in();
  return ended_;
}

PeerListener::PeerListener(World& world, bool is_v6, int backlog, const char* v4_address, uint16_t port)
    : world_(world), is_v6_(is_v6) {
  fd_ = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  BOBBIN_ASSERT(fd_ >= 0);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port = htons(port);
  BOBBIN_ASSERT(inet_pton(AF_INET, v4_address, &v4.sin_addr) == 1);
  auto* address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  socklen_t bytes = is_v6 ? sizeof v6 : sizeof v4;
  BOBBIN_ASSERT(bind(fd_, address, bytes) == 0);
  BOBBIN_ASSERT(listen(fd_, backlog) == 0);
  BOBBIN_ASSERT(getsockname(fd_, address, &bytes) == 0);
  port_ = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
  make_non_blocking(fd_);
}

PeerListener::~PeerListener() { ::close(fd_); }

PeerConnection PeerListener::accept() {
  int client = -1;
  world_.until([&] {
    client = ::accept(fd_, nullptr, nullptr);
    return client >= 0;
  });
  return PeerConnection(world_, client);
}

bool PeerListener::has_client() {
  world_.settle();
  const int client = ::accept(fd_, nullptr, nullptr);
  if (client >= 0) ::close(client);
  return client >= 0;
}

std::string PeerListener::url(const std::string& path) const {
  return "http://" + std::string(is_v6_ ? "[::1]" : "127.0.0.1") + ':' + std::to_string(port_) + path;
}

std::string PeerListener::url_for(const std::string& scheme, const std::string& host) const {
  return scheme + "://" + host + ':' + std::to_string(port_) + '/';
}

FullListener::FullListener(World& world, const char* v4_address) : listener_(world, false, 0, v4_address) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener_.port());
  BOBBIN_ASSERT(inet_pton(AF_INET, v4_address, &address.sin_addr) == 1);
  for (int i = 0; i < 16; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fds_.push_back(fd);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) continue;
    pollfd poll_fd = {.fd = fd, .events = POLLOUT, .revents = 0};
    if (poll(&poll_fd, 1, 0) == 0) return;  // this one hangs, and so will the next
  }
  throw bobbin::test::Failure("the queue never filled");
}

FullListener::~FullListener() {
  for (const int fd : fds_) ::close(fd);
}

}  // namespace bobbin::net::test
