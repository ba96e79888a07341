#pragma once

#include <cstddef>

#include "src/base/assert.h"
#include "src/loop/completion.h"

namespace bobbin {

// Counts work in flight, so that whoever shuts down can wait for all of it. One loop thread.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { BOBBIN_ASSERT(count_ == 0); }

  void enter() noexcept { ++count_; }
  void leave() noexcept {
    BOBBIN_ASSERT(count_ > 0);
    if (--count_ == 0 && closing_ && !empty_.is_done()) empty_.complete();
  }
  [[nodiscard]] size_t count() const noexcept { return count_; }
  [[nodiscard]] bool is_closing() const noexcept { return closing_; }

  // From now on nothing new should enter; `co_await` the result to know that all has left. Call once.
  Completion& close() noexcept {
    BOBBIN_ASSERT(!closing_);
    closing_ = true;
    if (count_ == 0) empty_.complete();
    return empty_;
  }

 private:
  Completion empty_;
  size_t count_ = 0;
  bool closing_ = false;
};

}  // namespace bobbin
