#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bobbin::bench {

// Of CLOCK_MONOTONIC, which all processes of a machine share.
int64_t now_ns() noexcept;

// Who is told of a descriptor.
class Pollable {
 public:
  // EPOLLIN and so on; level-triggered. May remove any descriptor, its own too.
  virtual void on_ready(uint32_t events) noexcept = 0;

 protected:
  ~Pollable() = default;
};

// One thread's epoll. The least that an event loop can be: what the server's loop costs is part of what is measured,
// what the load costs is not.
class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  void add(int fd, uint32_t events, Pollable& pollable);
  void change(int fd, uint32_t events, Pollable& pollable);
  // `pollable` hears nothing any more, and may go. Before `fd` is closed.
  void remove(int fd, const Pollable& pollable);
  // Waits until something is ready or `until_ns` (now_ns()) has come, to the microsecond, and calls who is ready.
  void wait(int64_t until_ns);

 private:
  int epoll_;
  std::array<epoll_event, 256> ready_{};
  size_t next_ = 0;  // of ready_
  size_t end_ = 0;
};

}  // namespace bobbin::bench
