#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bobbin::bench {

// One TCP socket on loopback: does not block, sends at once. Closes itself.
class Socket {
 public:
  Socket() = default;
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  // On a port that is free.
  static Socket listen();
  // Connects, or has begun to: writable once it is connected.
  static Socket connect(uint16_t port);
  // nullopt: nobody waits.
  [[nodiscard]] std::optional<Socket> accept() const;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] uint16_t port() const;
  // Idempotent.
  void close() noexcept;

  // Bytes that were there, in `buffer`; nullopt: the peer has ended or is gone. Empty: none yet.
  std::optional<std::string_view> receive(char* buffer, size_t bytes_max) const noexcept;
  // How many the kernel took; nullopt: the peer is gone.
  [[nodiscard]] std::optional<size_t> send(std::string_view bytes) const noexcept;

 private:
  explicit Socket(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// What goes out on one socket: at once as far as the kernel takes it, the rest when it does.
class Outgoing {
 public:
  // False: the peer is gone.
  [[nodiscard]] bool send(const Socket& socket, std::string_view bytes);
  [[nodiscard]] bool flush(const Socket& socket);
  [[nodiscard]] bool is_empty() const noexcept { return rest_.empty(); }

 private:
  std::string rest_;
};

}  // namespace bobbin::bench
