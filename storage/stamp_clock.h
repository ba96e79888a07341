#pragma once

#include <cstdint>

#include "src/base/clock.h"

namespace bobbin::store {

// The wall clock as order stamps need it. A step back is followed at once: stamps go on from the last one given. A jump
// forward of more than kJumpUs against the steady clock is not followed, since stamps could never come back from it: it
// is logged once and taken over when the wall clock has kept its new offset for kConfirmUs. One thread.
class StampClock {
 public:
  static constexpr int64_t kJumpUs = 60 * 1'000'000;
  static constexpr int64_t kConfirmUs = 60 * 1'000'000;
  // Two readings agree on an offset within this: a clock being slewed, a busy machine between two readings.
  static constexpr int64_t kToleranceUs = 1'000'000;

  StampClock(WallClock wall, WallClock steady);

  // Microseconds since 1970, at least 1; not monotonic by itself.
  uint64_t now_us();

 private:
  WallClock wall_;
  WallClock steady_;
  int64_t offset_us_;  // wall - steady, as trusted
  bool jumped_ = false;
  int64_t jump_offset_us_ = 0;  // the offset that waits to be confirmed
  int64_t jump_since_steady_us_ = 0;
};

}  // namespace bobbin::store
