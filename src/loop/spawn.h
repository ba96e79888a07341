#pragma once

#include "src/loop/gate.h"
#include "src/loop/task.h"

namespace bobbin {

namespace task_detail {
// A coroutine without an owner: it starts at once and frees its own frame at the end.
struct Detached {
  struct promise_type : FrameMemory {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

inline Detached run_detached(Task<void> task, Gate& gate) {
  gate.enter();
  co_await std::move(task);
  gate.leave();
}
}  // namespace task_detail

// Starts `task` now; `gate` counts it until it has ended, and must outlive it.
inline void spawn(Gate& gate, Task<void> task) { task_detail::run_detached(std::move(task), gate); }

}  // namespace bobbin
