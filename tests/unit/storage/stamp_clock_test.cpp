// The clock of order stamps under a wall clock that steps back and jumps, judged by a steady one. Both are set by hand.
#include "storage/stamp_clock.h"

#include "src/base/result.h"
#include "tests/support/test.h"

using bobbin::store::StampClock;

namespace {

constexpr int64_t kSecond = 1'000'000;
int64_t wall = 0;
int64_t steady = 0;
int64_t read_wall() noexcept { return wall; }
int64_t read_steady() noexcept { return steady; }

StampClock start(int64_t at_second) {
  wall = at_second * kSecond;
  steady = 5;
  return {read_wall, read_steady};
}
void pass(int64_t seconds) {
  wall += seconds * kSecond;
  steady += seconds * kSecond;
}
int64_t seconds(StampClock& clock) { return static_cast<int64_t>(clock.now_us()) / kSecond; }

}  // namespace

TEST_CASE(it_follows_the_wall_clock) {
  auto clock = start(1000);
  CHECK_EQ(seconds(clock), int64_t{1000});
  pass(100'000);
  CHECK_EQ(seconds(clock), int64_t{101'000});
}

TEST_CASE(a_step_back_is_followed_at_once) {
  auto clock = start(1000);
  wall -= 500 * kSecond;
  CHECK_EQ(seconds(clock), int64_t{500});
}

TEST_CASE(a_small_step_forward_is_followed_at_once) {
  auto clock = start(1000);
  wall += 60 * kSecond;
  CHECK_EQ(seconds(clock), int64_t{1060});
}

TEST_CASE(a_jump_forward_is_followed_only_when_it_lasts) {
  auto clock = start(1000);
  wall += 1'000'000 * kSecond;
  CHECK_EQ(seconds(clock), int64_t{1000});
  pass(59);
  CHECK_EQ(seconds(clock), int64_t{1059});
  pass(1);
  CHECK_EQ(seconds(clock), int64_t{1'001'060});
}

TEST_CASE(a_jump_that_is_taken_back_leaves_no_trace) {
  auto clock = start(1000);
  wall += 1'000'000 * kSecond;
  CHECK_EQ(seconds(clock), int64_t{1000});
  pass(30);
  wall -= 1'000'000 * kSecond;
  CHECK_EQ(seconds(clock), int64_t{1030});
  wall += 1'000'000 * kSecond;
  pass(40);  // the first jump must not count for the second
  CHECK_EQ(seconds(clock), int64_t{1070});
}

TEST_CASE(a_clock_that_keeps_jumping_is_never_followed) {
  auto clock = start(1000);
  for (int64_t i = 1; i <= 10; ++i) {
    wall += 1000 * kSecond;
    pass(70);
    CHECK_EQ(seconds(clock), 1000 + 70 * i);
  }
}

TEST_CASE(a_clock_before_1970_or_beyond_reason_stays_in_range) {
  auto clock = start(-1000);
  CHECK_EQ(clock.now_us(), uint64_t{1});
  wall = INT64_MAX / 2;
  steady = 0;
  StampClock far(read_wall, read_steady);
  CHECK(far.now_us() < (uint64_t{1} << 48) * 1000);
}
