#pragma once

#include <cstddef>
#include <vector>

#include "src/base/assert.h"
#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/loop/task.h"

namespace bobbin {

class LockOp;

// Lets one coroutine of a loop at a time through a part that waits in its middle. First come, first served.
class LoopMutex {
 public:
  LoopMutex() = default;
  LoopMutex(const LoopMutex&) = delete;
  LoopMutex& operator=(const LoopMutex&) = delete;
  ~LoopMutex() { BOBBIN_ASSERT(!is_held_ && waiting_.empty()); }

  // More waiters than this are refused.
  static constexpr size_t kWaitersMax = 256;

 private:
  friend class LockOp;
  std::vector<LockOp*> waiting_;
  bool is_held_ = false;
};

// Holds the mutex from the success of run() until its own end: `LockOp lock(mutex, scope); CO_TRY(co_await
// lock.run());`
class LockOp final : private CancelHook {
 public:
  LockOp(LoopMutex& mutex, CancelScope& scope) : mutex_(mutex), scope_(scope) {}
  ~LockOp() {
    if (has_it_) pass_on();
  }

  // Waits for its turn. Errors: cancelled (the scope asked first), overloaded (too many wait). Call once.
  Task<Result<void>> run() {
    if (!mutex_.is_held_) {
      mutex_.is_held_ = has_it_ = true;
      co_return Result<void>{};
    }
    if (mutex_.waiting_.size() >= LoopMutex::kWaitersMax) co_return fail(Code::overloaded, 0, "too many wait for it");
    mutex_.waiting_.push_back(this);
    watch(scope_);
    co_await done_;
    if (!has_it_) co_return fail(Code::cancelled);
    co_return Result<void>{};
  }

 private:
  void pass_on() noexcept {
    if (mutex_.waiting_.empty()) {
      mutex_.is_held_ = false;
      return;
    }
    LockOp* next = mutex_.waiting_.front();
    mutex_.waiting_.erase(mutex_.waiting_.begin());
    next->unwatch();
    next->has_it_ = true;
    next->done_.complete();
  }
  void on_cancel() noexcept override {
    std::erase(mutex_.waiting_, this);
    done_.complete();
  }

  LoopMutex& mutex_;
  CancelScope& scope_;
  Completion done_;
  bool has_it_ = false;
};

}  // namespace bobbin
