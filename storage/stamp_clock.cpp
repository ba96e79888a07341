#include "storage/stamp_clock.h"

#include <algorithm>

#include "src/base/log.h"

namespace bobbin::store {
namespace {

// Ids hold 48 bits of milliseconds; a clock beyond is nonsense and must not overflow them.
constexpr int64_t kStampUsMax = ((int64_t{1} << 48) - 1) * 1000 / 2;

}  // namespace

StampClock::StampClock(WallClock wall, WallClock steady)
    : wall_(wall), steady_(steady), offset_us_(wall() - steady()) {}

uint64_t StampClock::now_us() {
  const int64_t steady = steady_();
  const int64_t offset = wall_() - steady;
  if (offset - offset_us_ <= kJumpUs) {
    offset_us_ = offset;
    jumped_ = false;
  } else if (!jumped_ || std::abs(offset - jump_offset_us_) > kToleranceUs) {
    jumped_ = true;
    jump_offset_us_ = offset;
    jump_since_steady_us_ = steady;
    log::warn("wall clock jumped forward; order stamps do not follow yet",
              {{"seconds", (offset - offset_us_) / 1'000'000}});
  } else if (steady - jump_since_steady_us_ >= kConfirmUs) {
    log::info("wall clock kept its jump; order stamps follow", {{"seconds", (offset - offset_us_) / 1'000'000}});
    offset_us_ = offset;
    jumped_ = false;
  }
  return static_cast<uint64_t>(std::clamp<int64_t>(offset_us_ + steady, 1, kStampUsMax));
}

}  // namespace bobbin::store
