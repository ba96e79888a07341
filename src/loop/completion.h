#pragma once

#include <coroutine>

#include "src/base/assert.h"

namespace bobbin {

// One thing that will have happened: the bridge from callbacks to coroutines. One waiter at most, one loop thread.
//
// The owner calls complete() once; whoever awaits it is resumed inside that call, or goes straight on when it came
// first.
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  void complete() noexcept {
    BOBBIN_ASSERT(!done_);
    done_ = true;
    if (waiter_) waiter_.resume();
  }
  [[nodiscard]] bool is_done() const noexcept { return done_; }
  // Makes it new for the next wait. Nobody may be waiting.
  void reset() noexcept {
    done_ = false;
    waiter_ = nullptr;
  }

  bool await_ready() const noexcept { return done_; }
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<> waiter) noexcept {
    BOBBIN_ASSERT(!waiter_);
    waiter_ = waiter;
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<> waiter_;
  bool done_ = false;
};

}  // namespace bobbin
