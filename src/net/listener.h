#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/loop/loop.h"

namespace bobbin::net {

// A socket address, IPv4 or IPv6.
struct SocketAddress {
  sockaddr_in6 storage{};  // or a sockaddr_in, by its family
  socklen_t size = 0;

  [[nodiscard]] uint16_t port() const noexcept;
  // `127.0.0.1:8787`, `[::1]:8787`.
  [[nodiscard]] std::string to_string() const;
  // Without the port and without brackets, for logs: `127.0.0.1`, `::1`.
  [[nodiscard]] std::string host() const;
};

// An address that was free, and is ours for as long as this lives, whether workers listen at it or not: no other
// program's bind or listen succeeds. Keep it at least until every worker listens. Move-only.
class BoundAddress {
 public:
  BoundAddress(const SocketAddress& address, int held_fd) noexcept : address_(address), held_fd_(held_fd) {}
  BoundAddress(BoundAddress&& other) noexcept;
  BoundAddress& operator=(BoundAddress&&) = delete;
  ~BoundAddress();

  [[nodiscard]] const SocketAddress& address() const noexcept { return address_; }
  [[nodiscard]] uint16_t port() const noexcept { return address_.port(); }
  [[nodiscard]] std::string to_string() const { return address_.to_string(); }

 private:
  SocketAddress address_;
  int held_fd_;
};

// Makes sure that nobody serves at `host`:`port` nor is about to, and holds it for the workers' listeners. Port 0: the
// kernel picks one.
//
// The workers share the port by SO_REUSEPORT, with which a second server would bind happily beside us: so it is first
// listened at without that option, which of two servers that start together only one can do. A client that connects in
// that moment is reset, as if it had come before.
// `host` is an IPv4 or IPv6 address (without brackets) or a name; may block on its resolution: call before the loops
// run. Errors: invalid (no such host), io with errno and a sentence for people (in use, not permitted, not an address
// of this machine).
Result<BoundAddress> probe_address(std::string_view host, uint16_t port);

// Who takes the connections of a Listener.
class Acceptor {
 public:
  // `fd` is a connected, non-blocking socket, now the acceptor's.
  virtual void on_accept(int fd, const SocketAddress& peer) noexcept = 0;
  // The process is out of file descriptors: one connection was taken and closed at once.
  virtual void on_accept_refused() noexcept = 0;
  // The last call: the listener may be destroyed from here on.
  virtual void on_listener_closed() noexcept = 0;

 protected:
  ~Acceptor() = default;
};

// One listening socket of one loop. Sockets of several loops share a port; the kernel spreads the connections.
class Listener {
 public:
  // Both outlive the listener.
  Listener(Loop& loop, Acceptor& acceptor) noexcept : loop_(loop), acceptor_(acceptor) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // Not open, or closed and told so.
  ~Listener();

  // Starts to accept. Call once. Errors: io with errno; on_listener_closed() is not called then.
  Result<void> open(const SocketAddress& address);

  // Takes what the kernel has already accepted for us, so that no client that was let in is reset; then closes.
  // Idempotent; does nothing when not open.
  void close() noexcept;

 private:
  enum class State : uint8_t { idle, open, closing };
  static void on_readable(uv_poll_t* handle, int status, int events) noexcept;
  // At most `count_max`, so that a flood of connections cannot starve those that are open.
  void accept_some(int count_max) noexcept;
  // True when a connection was taken off the queue to be closed.
  bool accept_with_reserve() noexcept;

  Loop& loop_;
  Acceptor& acceptor_;
  uv_poll_t poll_;
  int fd_ = -1;
  // One descriptor kept aside: without it, a full table would leave the queue as it is and the loop would spin.
  int reserve_fd_ = -1;
  State state_ = State::idle;
};

}  // namespace bobbin::net
