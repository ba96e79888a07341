#pragma once

#include <uv.h>

#include <cstdint>

#include "src/loop/mailbox.h"
#include "src/loop/timers.h"

namespace bobbin {

class Loop;

// Work to be done once, after all callbacks of the current turn: what was gathered during the turn then leaves in one
// go.
class TurnHook {
 public:
  TurnHook() = default;
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;

 protected:
  ~TurnHook() { cancel_turn_end(); }
  void cancel_turn_end() noexcept;
  virtual void on_turn_end() noexcept = 0;

 private:
  friend class Loop;
  Loop* loop_ = nullptr;
  TurnHook* next_ = nullptr;
  TurnHook* previous_ = nullptr;
};

// One event loop with its mailbox, its timers and its end-of-turn work. Belongs to the thread that runs it.
class Loop {
 public:
  struct Options {
    // Time moves by advance_ms() alone: for tests.
    bool manual_clock = false;
  };
  Loop() : Loop(Options{}) {}
  explicit Loop(Options options);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  // close() must have been called and run() returned since.
  ~Loop();

  uv_loop_t* uv() noexcept { return &loop_; }
  Mailbox& mailbox() noexcept { return mailbox_; }
  TimerQueue& timers() noexcept { return timers_; }

  // Milliseconds of the loop's own steady clock, as of the start of this turn.
  [[nodiscard]] uint64_t now_ms() const noexcept;

  // Runs until close() was called and every handle has closed.
  void run();
  // One turn without waiting; for tests. True while there is more to wait for.
  bool run_once();

  // Runs `hook` at the end of this turn; asking again before then changes nothing.
  void at_turn_end(TurnHook& hook) noexcept;

  // Closes the loop's own handles. Everything else on the loop closes its own.
  void close() noexcept;

  // Only with manual_clock: moves time and fires what is due, in steps, so that timers that re-arm fire as they would.
  void advance_ms(uint64_t ms);

 private:
  friend class TurnHook;
  void end_turn() noexcept;
  void set_kernel_timer() noexcept;

  uv_loop_t loop_;
  Mailbox mailbox_;
  TimerQueue timers_;
  uv_timer_t kernel_timer_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  TurnHook* first_hook_ = nullptr;
  uint64_t manual_now_ms_ = 0;
  uint64_t kernel_deadline_ms_ = UINT64_MAX;
  const bool manual_clock_;
  bool closed_ = false;
};

}  // namespace bobbin
