#include "bench/load/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "bench/load/give_up.h"

namespace bobbin::bench {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int open_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket", errno);
  return fd;
}

void send_at_once(int fd) {
  const int on = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) give_up("TCP_NODELAY", errno);
}

bool is_nothing_yet() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

Socket Socket::listen() {
  Socket socket(open_socket());
  const sockaddr_in address = loopback(0);
  if (bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind", errno);
  if (::listen(socket.fd_, SOMAXCONN) != 0) give_up("listen", errno);
  return socket;
}

Socket Socket::connect(uint16_t port) {
  Socket socket(open_socket());
  send_at_once(socket.fd_);
  const sockaddr_in address = loopback(port);
  if (::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    give_up("connect", errno);
  return socket;
}

std::optional<Socket> Socket::accept() const {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    send_at_once(fd);
    return Socket(fd);
  }
  if (!is_nothing_yet() && errno != ECONNABORTED) give_up("accept", errno);
  return std::nullopt;
}

uint16_t Socket::port() const {
  sockaddr_in address{};
  socklen_t bytes = sizeof address;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) give_up("getsockname", errno);
  return ntohs(address.sin_port);
}

void Socket::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::optional<std::string_view> Socket::receive(char* buffer, size_t bytes_max) const noexcept {
  const ssize_t count = recv(fd_, buffer, bytes_max, 0);
  if (count > 0) return std::string_view(buffer, static_cast<size_t>(count));
  if (count < 0 && is_nothing_yet()) return std::string_view();
  return std::nullopt;
}

std::optional<size_t> Socket::send(std::string_view bytes) const noexcept {
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<size_t>(count);
  if (is_nothing_yet()) return 0;
  return std::nullopt;
}

bool Outgoing::send(const Socket& socket, std::string_view bytes) {
  if (!rest_.empty()) {
    rest_.append(bytes);
    return true;
  }
  const std::optional<size_t> sent = socket.send(bytes);
  if (!sent) return false;
  rest_.append(bytes.substr(*sent));
  return true;
}

bool Outgoing::flush(const Socket& socket) {
  if (rest_.empty()) return true;
  const std::optional<size_t> sent = socket.send(rest_);
  if (!sent) return false;
  rest_.erase(0, *sent);
  return true;
}

}  // namespace bobbin::bench
