#include "src/loop/loop.h"

#include <memory>
#include <thread>
#include <vector>

#include "src/loop/deadline_scope.h"
#include "src/loop/loop_mutex.h"
#include "src/loop/offload.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"
#include "tests/support/test.h"

namespace bobbin {
namespace {

// A loop that is closed and emptied at the end of the case.
struct TestLoop {
  explicit TestLoop(bool manual_clock = true) : loop({.manual_clock = manual_clock}) {}
  ~TestLoop() {
    loop.close();
    loop.run();
  }
  Loop loop;
};

struct RecordingTimer final : Timer {
  std::vector<int>* fired = nullptr;
  int name = 0;
  void on_timer() noexcept override { fired->push_back(name); }
};

TEST_CASE(timers_fire_in_order_of_their_deadlines_and_never_early) {
  TestLoop test;
  std::vector<int> fired;
  std::vector<std::unique_ptr<RecordingTimer>> timers;
  for (int i = 0; i < 200; ++i) {
    auto timer = std::make_unique<RecordingTimer>();
    timer->fired = &fired;
    timer->name = i * 7919 % 200 + 1;
    timer->arm(test.loop.timers(), static_cast<uint64_t>(timer->name));
    timers.push_back(std::move(timer));
  }
  for (int now = 1; now <= 200; ++now) {
    test.loop.advance_ms(1);
    CHECK_EQ(fired.size(), static_cast<size_t>(now));
    CHECK_EQ(fired.back(), now);
  }
}

TEST_CASE(rearming_and_disarming_move_only_that_timer) {
  TestLoop test;
  std::vector<int> fired;
  RecordingTimer a, b, c;
  a.fired = b.fired = c.fired = &fired;
  a.name = 1, b.name = 2, c.name = 3;
  a.arm(test.loop.timers(), 10);
  b.arm(test.loop.timers(), 20);
  c.arm(test.loop.timers(), 30);
  a.arm(test.loop.timers(), 40);
  b.disarm();
  c.arm(test.loop.timers(), 5);
  test.loop.advance_ms(39);
  CHECK_EQ(fired.size(), 1u);
  CHECK_EQ(fired[0], 3);
  test.loop.advance_ms(1);
  CHECK_EQ(fired.back(), 1);
  CHECK_EQ(b.is_armed(), false);
}

TEST_CASE(the_kernel_timer_follows_an_earlier_deadline) {
  TestLoop test(false);
  std::vector<int> fired;
  RecordingTimer far, near;
  far.fired = near.fired = &fired;
  near.name = 1;
  far.arm(test.loop.timers(), test.loop.now_ms() + 1'000'000);
  test.loop.run_once();
  near.arm(test.loop.timers(), test.loop.now_ms() + 1);
  while (fired.empty()) uv_run(test.loop.uv(), UV_RUN_ONCE);
  CHECK_EQ(fired[0], 1);
}

struct CountingMail final : Mail {
  std::vector<int>* got = nullptr;
  int value = 0;
  void deliver() noexcept override { got->push_back(value); }
};

TEST_CASE(mail_of_each_thread_arrives_once_and_in_order) {
  TestLoop test;
  constexpr int kEach = 5000;
  std::vector<int> got;
  std::vector<CountingMail> mails(2 * kEach);
  for (int i = 0; i < 2 * kEach; ++i) {
    mails[static_cast<size_t>(i)].got = &got;
    mails[static_cast<size_t>(i)].value = i;
  }
  const auto send = [&](int from) {
    for (int i = from; i < from + kEach; ++i) test.loop.mailbox().post(mails[static_cast<size_t>(i)]);
  };
  std::thread first(send, 0);
  std::thread second(send, kEach);
  while (got.size() < 2 * kEach) uv_run(test.loop.uv(), UV_RUN_ONCE);
  first.join();
  second.join();
  int last_first = -1;
  int last_second = kEach - 1;
  for (const int value : got) {
    int& last = value < kEach ? last_first : last_second;
    CHECK_EQ(value, last + 1);
    last = value;
  }
}

struct RecordingHook final : TurnHook {
  int runs = 0;
  void on_turn_end() noexcept override { ++runs; }
};

TEST_CASE(a_turn_hook_runs_once_however_often_it_is_asked_for) {
  TestLoop test;
  RecordingHook hook, destroyed_neighbour;
  test.loop.at_turn_end(hook);
  test.loop.at_turn_end(hook);
  {
    RecordingHook gone;
    test.loop.at_turn_end(gone);
  }
  CHECK_EQ(hook.runs, 0);
  test.loop.run_once();
  CHECK_EQ(hook.runs, 1);
  test.loop.run_once();
  CHECK_EQ(hook.runs, 1);
}

Task<void> sleep_into(Loop& loop, CancelScope& scope, uint64_t ms, std::vector<std::string>& log, std::string name) {
  SleepOp sleep(loop, scope, ms);
  const Result<void> slept = co_await sleep.run();
  log.push_back(name + (slept ? " slept" : std::string(" ") + code_name(slept.error().code)));
}

TEST_CASE(cancelling_a_scope_ends_every_sleep_in_it_and_no_other) {
  TestLoop test;
  Gate gate;
  CancelScope cancelled, kept;
  std::vector<std::string> log;
  spawn(gate, sleep_into(test.loop, cancelled, 100, log, "a"));
  spawn(gate, sleep_into(test.loop, kept, 100, log, "b"));
  spawn(gate, sleep_into(test.loop, cancelled, 100, log, "c"));
  CHECK_EQ(gate.count(), 3u);
  cancelled.request();
  cancelled.request();
  CHECK_EQ(log.size(), 2u);
  spawn(gate, sleep_into(test.loop, cancelled, 100, log, "late"));
  CHECK_EQ(log.back(), "late cancelled");
  test.loop.advance_ms(100);
  CHECK_EQ(log.back(), "b slept");
  CHECK_EQ(gate.count(), 0u);
}

Task<void> sleep_then_destroy(Loop& loop, std::unique_ptr<CancelScope>& scope) {
  SleepOp* sleep = new SleepOp(loop, *scope, 100);
  static_cast<void>(co_await sleep->run());
  delete sleep;
  scope.reset();
}

TEST_CASE(a_scope_may_be_destroyed_by_what_it_cancels) {
  TestLoop test;
  Gate gate;
  auto scope = std::make_unique<CancelScope>();
  spawn(gate, sleep_then_destroy(test.loop, scope));
  scope->request();
  CHECK(scope == nullptr);
  CHECK_EQ(gate.count(), 0u);
}

struct SquareJob final : BlockingJob {
  int value = 0;
  std::thread::id worker;
  void work() noexcept override {
    value *= value;
    worker = std::this_thread::get_id();
  }
};

Task<void> square(BlockingPool& pool, Loop& loop, int value, std::vector<int>& results, std::vector<Code>& errors) {
  SquareJob job;
  job.value = value;
  const Result<void> ran = co_await job.run(pool, loop);
  if (ran) {
    results.push_back(job.value);
    if (job.worker == std::this_thread::get_id()) errors.push_back(Code::internal);
  } else {
    errors.push_back(ran.error().code);
  }
}

TEST_CASE(blocking_work_runs_elsewhere_and_comes_back_to_the_loop) {
  TestLoop test;
  Gate gate;
  std::vector<int> results;
  std::vector<Code> errors;
  {
    BlockingPool pool(2, 1000);
    for (int i = 0; i < 100; ++i) spawn(gate, square(pool, test.loop, i, results, errors));
    while (gate.count() > 0) uv_run(test.loop.uv(), UV_RUN_ONCE);
  }
  CHECK_EQ(errors.size(), 0u);
  int sum = 0;
  for (const int result : results) sum += result;
  CHECK_EQ(sum, 328'350);
}

TEST_CASE(a_full_pool_refuses_at_once) {
  TestLoop test;
  Gate gate;
  std::vector<int> results;
  std::vector<Code> errors;
  BlockingPool pool(1, 0);
  spawn(gate, square(pool, test.loop, 3, results, errors));
  CHECK_EQ(results.size(), 0u);
  CHECK_EQ(errors.size(), 1u);
  CHECK(errors[0] == Code::overloaded);
}

Task<int> depth_of(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await depth_of(depth - 1);
}
Task<void> measure(int depth, int& result) { result = co_await depth_of(depth); }

TEST_CASE(tasks_return_through_many_levels) {
  Gate gate;
  int result = 0;
  spawn(gate, measure(1000, result));
  CHECK_EQ(result, 1000);
  release_frame_pool();
}

Task<void> wait_for_gate(Gate& gate, bool& closed) {
  co_await gate.close();
  closed = true;
}

TEST_CASE(a_gate_closes_when_the_last_one_has_left) {
  Gate gate, other;
  gate.enter();
  gate.enter();
  bool closed = false;
  spawn(other, wait_for_gate(gate, closed));
  gate.leave();
  CHECK_EQ(closed, false);
  gate.leave();
  CHECK_EQ(closed, true);
}

// Holds the mutex until `release`, and notes its turn.
Task<void> hold(LoopMutex& mutex, CancelScope& scope, Completion& release, int number, std::vector<int>& turns) {
  LockOp lock(mutex, scope);
  if (!co_await lock.run()) {
    turns.push_back(-number);
    co_return;
  }
  turns.push_back(number);
  co_await release;
}

TEST_CASE(a_mutex_lets_one_at_a_time_through_in_order) {
  LoopMutex mutex;
  Gate gate;
  CancelScope scope;
  Completion release[3];
  std::vector<int> turns;
  for (int i = 0; i < 3; ++i) spawn(gate, hold(mutex, scope, release[i], i + 1, turns));
  CHECK(turns == (std::vector<int>{1}));
  release[1].complete();  // whose turn has not come
  CHECK(turns == (std::vector<int>{1}));
  release[0].complete();
  CHECK(turns == (std::vector<int>{1, 2, 3}));
  release[2].complete();
  CHECK_EQ(gate.count(), 0u);
}

TEST_CASE(one_that_waits_for_a_mutex_can_be_cancelled_and_the_next_comes_in_its_place) {
  LoopMutex mutex;
  Gate gate;
  CancelScope scope, other;
  Completion release[4];
  std::vector<int> turns;
  spawn(gate, hold(mutex, scope, release[0], 1, turns));
  spawn(gate, hold(mutex, other, release[1], 2, turns));
  spawn(gate, hold(mutex, scope, release[2], 3, turns));
  other.request();
  CHECK(turns == (std::vector<int>{1, -2}));
  spawn(gate, hold(mutex, other, release[3], 4, turns));  // asked before it waits
  CHECK(turns == (std::vector<int>{1, -2, -4}));
  release[0].complete();
  CHECK(turns == (std::vector<int>{1, -2, -4, 3}));
  release[2].complete();
  CHECK_EQ(gate.count(), 0u);
}

TEST_CASE(a_mutex_that_too_many_wait_for_refuses) {
  LoopMutex mutex;
  Gate gate;
  CancelScope scope;
  std::vector<Completion> release(LoopMutex::kWaitersMax + 2);
  std::vector<int> turns;
  for (size_t i = 0; i < release.size(); ++i)
    spawn(gate, hold(mutex, scope, release[i], static_cast<int>(i) + 1, turns));
  CHECK(turns == (std::vector<int>{1, -static_cast<int>(release.size())}));
  for (Completion& one : release) {
    if (!one.is_done()) one.complete();
  }
  CHECK_EQ(gate.count(), 0u);
}

TEST_CASE(a_deadline_scope_ends_at_its_time_or_with_the_scope_around_it) {
  TestLoop test;
  CancelScope outer;
  DeadlineScope timed(test.loop, outer);
  DeadlineScope followed(test.loop, outer);
  timed.end_in(10);
  test.loop.advance_ms(9);
  CHECK(!timed.scope().is_requested());
  test.loop.advance_ms(1);
  CHECK(timed.scope().is_requested() && !outer.is_requested() && !followed.scope().is_requested());
  outer.request();
  CHECK(followed.scope().is_requested());
}

}  // namespace
}  // namespace bobbin
