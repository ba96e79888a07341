#include "src/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/assert.h"

namespace bobbin::net {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerTurn = 64;

// Closes its descriptor unless it was released.
class Socket {
 public:
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.release()) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

tl::unexpected<Error> fail_bind(int number) {
  switch (number) {
    case EADDRINUSE: return fail(Code::io, number, "address already in use");
    case EADDRNOTAVAIL: return fail(Code::io, number, "not an address of this machine");
    case EACCES: return fail(Code::io, number, "permission denied (ports below 1024 need a privilege)");
    case EAFNOSUPPORT: return fail(Code::io, number, "this machine has no such address family");
    case EMFILE:
    case ENFILE: return fail(Code::io, number, "out of file descriptors");
    default: return fail(Code::io, number, "cannot listen at this address");
  }
}

Result<SocketAddress> resolve(std::string_view host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(std::string(host).c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) return fail(Code::invalid, status, "no such host");
  SocketAddress address;
  if (found->ai_addrlen > sizeof address.storage) {
    ::freeaddrinfo(found);
    return fail(Code::invalid, 0, "not an IP address");
  }
  address.size = found->ai_addrlen;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

Result<Socket> bind_socket(const SocketAddress& address, bool share_port) {
  Socket socket(::socket(address.storage.sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return fail_bind(errno);
  const int on = 1;
  const int off = 0;
  // A restart must not wait for the old connections' TIME_WAIT.
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // `::` serves IPv4 as well, whatever the system's default.
  if (address.storage.sin6_family == AF_INET6) ::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (share_port && ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return fail_bind(errno);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0)
    return fail_bind(errno);
  return socket;
}

// Where `socket` is bound, with the port that the kernel picked if it was asked to.
Result<SocketAddress> bound_address(const Socket& socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0)
    return fail_bind(errno);
  return address;
}

Result<void> set_option(const Socket& socket, int option, int value) {
  if (::setsockopt(socket.fd(), SOL_SOCKET, option, &value, sizeof value) != 0) return fail_bind(errno);
  return {};
}

}  // namespace

uint16_t SocketAddress::port() const noexcept {
  if (storage.sin6_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return ntohs(storage.sin6_port);
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* from = storage.sin6_family == AF_INET
                         ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr)
                         : &storage.sin6_addr;
  ::inet_ntop(storage.sin6_family, from, text, sizeof text);
  return text;
}

std::string SocketAddress::to_string() const {
  const std::string port_text = ':' + std::to_string(port());
  return storage.sin6_family == AF_INET6 ? '[' + host() + ']' + port_text : host() + port_text;
}

BoundAddress::BoundAddress(BoundAddress&& other) noexcept
    : address_(other.address_), held_fd_(std::exchange(other.held_fd_, -1)) {}

BoundAddress::~BoundAddress() {
  if (held_fd_ >= 0) ::close(held_fd_);
}

Result<BoundAddress> probe_address(std::string_view host, uint16_t port) {
  TRY_ASSIGN(const SocketAddress wanted, resolve(host, port));
  // Two sockets with SO_REUSEADDR, which a restart needs, may be bound to one port, but only one may listen. So
  // listen() decides: it fails beside a server that listens, and beside a `held` of another process.
  TRY_ASSIGN(const Socket exclusive, bind_socket(wanted, false));
  if (::listen(exclusive.fd(), 1) != 0) return fail_bind(errno);
  TRY_ASSIGN(const SocketAddress address, bound_address(exclusive));
  // While `exclusive` keeps the others out, a second socket takes its place that does not listen, and so gets no
  // connections; it lets our workers in by SO_REUSEPORT, and without SO_REUSEADDR nobody else.
  TRY(set_option(exclusive, SO_REUSEPORT, 1));
  TRY_ASSIGN(Socket held, bind_socket(address, true));
  TRY(set_option(held, SO_REUSEADDR, 0));
  return BoundAddress(address, held.release());
}

Listener::~Listener() { BOBBIN_ASSERT(state_ == State::idle); }

Result<void> Listener::open(const SocketAddress& address) {
  BOBBIN_ASSERT(state_ == State::idle);
  TRY_ASSIGN(Socket socket, bind_socket(address, true));
  if (::listen(socket.fd(), kBacklog) != 0) return fail_bind(errno);
  if (const int status = uv_poll_init_socket(loop_.uv(), &poll_, socket.fd()); status != 0)
    return fail(Code::io, -status, "cannot watch the listening socket");
  fd_ = socket.release();
  reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  poll_.data = this;
  state_ = State::open;
  BOBBIN_ASSERT(uv_poll_start(&poll_, UV_READABLE, on_readable) == 0);
  return {};
}

void Listener::close() noexcept {
  if (state_ != State::open) return;
  accept_some(kBacklog + 1);
  state_ = State::closing;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<Listener*>(handle->data);
    self->state_ = State::idle;
    self->acceptor_.on_listener_closed();
  });
  ::close(std::exchange(fd_, -1));
  if (reserve_fd_ >= 0) ::close(std::exchange(reserve_fd_, -1));
}

void Listener::on_readable(uv_poll_t* handle, int, int) noexcept {
  // An error of the socket shows in accept4 as well, and leaves nothing else to do.
  static_cast<Listener*>(handle->data)->accept_some(kAcceptsPerTurn);
}

void Listener::accept_some(int count_max) noexcept {
  for (int count = 0; count < count_max && state_ == State::open;) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      ++count;
      acceptor_.on_accept(fd, peer);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if ((errno == EMFILE || errno == ENFILE) && accept_with_reserve()) {
      ++count;
      continue;
    }
    return;
  }
}

bool Listener::accept_with_reserve() noexcept {
  if (reserve_fd_ < 0) return false;
  ::close(std::exchange(reserve_fd_, -1));
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    ::close(fd);
    acceptor_.on_accept_refused();
  }
  reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd >= 0;
}

}  // namespace bobbin::net
