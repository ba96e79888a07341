#include "src/loop/loop.h"

#include "src/base/assert.h"

namespace bobbin {
namespace {

uv_loop_t* init(uv_loop_t* loop) {
  BOBBIN_ASSERT(uv_loop_init(loop) == 0);
  return loop;
}

uv_handle_t* as_handle(auto* handle) { return reinterpret_cast<uv_handle_t*>(handle); }

}  // namespace

void TurnHook::cancel_turn_end() noexcept {
  if (loop_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : loop_->first_hook_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  loop_ = nullptr;
}

Loop::Loop(Options options) : mailbox_(init(&loop_)), manual_clock_(options.manual_clock) {
  BOBBIN_ASSERT(uv_timer_init(&loop_, &kernel_timer_) == 0);
  BOBBIN_ASSERT(uv_prepare_init(&loop_, &prepare_) == 0);
  BOBBIN_ASSERT(uv_check_init(&loop_, &check_) == 0);
  kernel_timer_.data = prepare_.data = check_.data = this;
  // Before the wait: what timers and deferred closes made; and the next deadline is known.
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
    auto* self = static_cast<Loop*>(handle->data);
    self->end_turn();
    self->set_kernel_timer();
  });
  // After the wait: what the sockets and the mailbox made.
  uv_check_start(&check_, [](uv_check_t* handle) { static_cast<Loop*>(handle->data)->end_turn(); });
}

Loop::~Loop() {
  BOBBIN_ASSERT(closed_);
  BOBBIN_ASSERT(first_hook_ == nullptr);
  BOBBIN_ASSERT(uv_loop_close(&loop_) == 0);
}

uint64_t Loop::now_ms() const noexcept { return manual_clock_ ? manual_now_ms_ : uv_now(&loop_); }

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

bool Loop::run_once() { return uv_run(&loop_, UV_RUN_NOWAIT) != 0; }

void Loop::at_turn_end(TurnHook& hook) noexcept {
  if (hook.loop_ != nullptr) return;
  hook.loop_ = this;
  hook.previous_ = nullptr;
  hook.next_ = first_hook_;
  if (first_hook_ != nullptr) first_hook_->previous_ = &hook;
  first_hook_ = &hook;
}

void Loop::end_turn() noexcept {
  while (first_hook_ != nullptr) {
    TurnHook* hook = first_hook_;
    hook->cancel_turn_end();
    hook->on_turn_end();
  }
}

void Loop::set_kernel_timer() noexcept {
  if (manual_clock_ || closed_) return;
  const uint64_t deadline_ms = timers_.next_deadline_ms();
  if (deadline_ms == kernel_deadline_ms_) return;
  // A later deadline need not move the kernel timer: it fires, finds nothing due, and is set anew.
  if (deadline_ms > kernel_deadline_ms_ && uv_is_active(as_handle(&kernel_timer_))) return;
  kernel_deadline_ms_ = deadline_ms;
  if (deadline_ms == UINT64_MAX) {
    uv_timer_stop(&kernel_timer_);
    return;
  }
  const uint64_t now = uv_now(&loop_);
  uv_timer_start(
      &kernel_timer_,
      [](uv_timer_t* handle) {
        auto* self = static_cast<Loop*>(handle->data);
        self->kernel_deadline_ms_ = UINT64_MAX;
        self->timers_.run_due(self->now_ms());
      },
      deadline_ms > now ? deadline_ms - now : 0, 0);
}

void Loop::close() noexcept {
  if (closed_) return;
  closed_ = true;
  end_turn();
  mailbox_.close();
  uv_close(as_handle(&kernel_timer_), nullptr);
  uv_close(as_handle(&prepare_), nullptr);
  uv_close(as_handle(&check_), nullptr);
}

void Loop::advance_ms(uint64_t ms) {
  BOBBIN_ASSERT(manual_clock_);
  const uint64_t until = manual_now_ms_ + ms;
  while (timers_.next_deadline_ms() <= until) {
    if (timers_.next_deadline_ms() > manual_now_ms_) manual_now_ms_ = timers_.next_deadline_ms();
    timers_.run_due(manual_now_ms_);
    end_turn();
    run_once();
  }
  manual_now_ms_ = until;
}

}  // namespace bobbin
