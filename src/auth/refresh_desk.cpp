#include "src/auth/refresh_desk.h"

#include <utility>

#include "src/base/assert.h"
#include "src/loop/completion.h"

namespace bobbin::auth {

// One request, in the frame of its coroutine.
struct RefreshDesk::Waiter final : Mail {
  explicit Waiter(Loop& loop_in) : loop(loop_in) {}
  void deliver() noexcept override { told.complete(); }
  Loop& loop;
  Completion told;
};

Task<bool> RefreshDesk::wait_for_fetch(Loop& loop) {
  Waiter waiter(loop);
  if (!enter(waiter)) co_return false;
  co_await waiter.told;
  co_return true;
}

bool RefreshDesk::enter(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed || waiters_.size() >= kWaitersMax) return false;
  if (state_ == State::idle) {
    const int64_t now_us = clock_();
    if (asked_us_ && now_us - *asked_us_ < kFloorUs) return false;
    asked_us_ = now_us;
    state_ = State::asked;
    if (!std::exchange(is_wake_posted_, true)) mailbox_->post(*wake_);
  }
  waiters_.push_back(&waiter);
  return true;
}

void RefreshDesk::open(Mailbox& mailbox, Mail& wake) {
  const std::lock_guard lock(mutex_);
  BOBBIN_ASSERT(state_ == State::closed);
  mailbox_ = &mailbox;
  wake_ = &wake;
  state_ = State::idle;
}

void RefreshDesk::on_woken() {
  const std::lock_guard lock(mutex_);
  is_wake_posted_ = false;
}

bool RefreshDesk::is_asked() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::asked;
}

void RefreshDesk::begin_fetch() {
  const std::lock_guard lock(mutex_);
  BOBBIN_ASSERT(state_ == State::idle || state_ == State::asked);
  state_ = State::fetching;
}

void RefreshDesk::end_fetch() { release(State::idle); }
void RefreshDesk::close() { release(State::closed); }

void RefreshDesk::release(State next) {
  std::vector<Waiter*> waiters;
  {
    const std::lock_guard lock(mutex_);
    state_ = next;
    waiters.swap(waiters_);
  }
  // A waiter may be gone as soon as it has its mail.
  for (Waiter* waiter : waiters) waiter->loop.mailbox().post(*waiter);
}

}  // namespace bobbin::auth
