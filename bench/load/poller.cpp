#include "bench/load/poller.h"

#include <unistd.h>
#include <ctime>

#include <algorithm>
#include <cerrno>

#include "bench/load/give_up.h"

namespace bobbin::bench {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

void control(int epoll, int operation, int fd, uint32_t events, Pollable* pollable) {
  epoll_event event{.events = events, .data = {.ptr = pollable}};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) give_up("epoll_ctl", errno);
}

}  // namespace

int64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) give_up("epoll_create1", errno);
}

Poller::~Poller() { close(epoll_); }

void Poller::add(int fd, uint32_t events, Pollable& pollable) { control(epoll_, EPOLL_CTL_ADD, fd, events, &pollable); }

void Poller::change(int fd, uint32_t events, Pollable& pollable) {
  control(epoll_, EPOLL_CTL_MOD, fd, events, &pollable);
}

void Poller::remove(int fd, const Pollable& pollable) {
  control(epoll_, EPOLL_CTL_DEL, fd, 0, nullptr);
  for (size_t i = next_; i < end_; ++i) {
    if (ready_[i].data.ptr == &pollable) ready_[i].data.ptr = nullptr;
  }
}

void Poller::wait(int64_t until_ns) {
  const int64_t left_ns = std::max<int64_t>(0, until_ns - now_ns());
  const timespec timeout{.tv_sec = left_ns / kSecondNs, .tv_nsec = left_ns % kSecondNs};
  const int count = epoll_pwait2(epoll_, ready_.data(), static_cast<int>(ready_.size()), &timeout, nullptr);
  if (count < 0 && errno != EINTR) give_up("epoll_pwait2", errno);
  next_ = 0;
  end_ = static_cast<size_t>(std::max(0, count));
  while (next_ < end_) {
    const epoll_event event = ready_[next_++];
    if (event.data.ptr != nullptr) static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace bobbin::bench
