#pragma once

#include <cstdint>
#include <memory>

#include "src/loop/cancel.h"
#include "src/loop/loop.h"

namespace bobbin {

// The scope of one exchange: it ends with the scope around it, and may be given an earlier end.
class DeadlineScope final : private CancelHook, private Timer {
 public:
  // `loop` and `outer` must outlive it.
  DeadlineScope(Loop& loop, CancelScope& outer) : loop_(loop) { watch(outer); }

  [[nodiscard]] CancelScope& scope() noexcept { return *inner_; }
  // Asks what runs under scope() to end in `ms` milliseconds at the latest.
  void end_in(uint64_t ms) { arm(loop_.timers(), loop_.now_ms() + ms); }

 private:
  void on_cancel() noexcept override { request(); }
  void on_timer() noexcept override { request(); }
  // Whoever is woken may destroy this object; the inner scope has to last until its request is over.
  void request() noexcept {
    const std::shared_ptr<CancelScope> scope = inner_;
    scope->request();
  }

  Loop& loop_;
  const std::shared_ptr<CancelScope> inner_ = std::make_shared<CancelScope>();
};

}  // namespace bobbin
