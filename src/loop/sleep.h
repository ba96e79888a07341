#pragma once

#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/loop/task.h"

namespace bobbin {

// Waits: `SleepOp sleep(loop, scope, 50); CO_TRY(co_await sleep.run());`
class SleepOp final : private Timer, private CancelHook {
 public:
  SleepOp(Loop& loop, CancelScope& scope, uint64_t ms) : loop_(loop), scope_(scope), ms_(ms) {}

  // Ends after `ms` milliseconds, or with Code::cancelled when the scope asks. Call once.
  Task<Result<void>> run() {
    watch(scope_);
    if (!done_.is_done()) arm(loop_.timers(), loop_.now_ms() + ms_);
    co_await done_;
    if (cancelled_) co_return fail(Code::cancelled);
    co_return Result<void>{};
  }

 private:
  void on_timer() noexcept override {
    unwatch();
    done_.complete();
  }
  void on_cancel() noexcept override {
    disarm();
    cancelled_ = true;
    done_.complete();
  }

  Loop& loop_;
  CancelScope& scope_;
  const uint64_t ms_;
  Completion done_;
  bool cancelled_ = false;
};

}  // namespace bobbin
