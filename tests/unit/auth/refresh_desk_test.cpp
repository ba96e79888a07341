// Proves when a request may wait for newer keys: at most one fetch is asked for in 30 s, all join it, and nobody is
// left waiting. Two loops on one thread, stepped by hand; the floor's clock is the test's.

#include "src/auth/refresh_desk.h"

#include <list>

#include "src/loop/spawn.h"
#include "tests/support/test.h"

namespace bobbin::auth {
namespace {

int64_t now_us = 0;
int64_t test_clock() noexcept { return now_us; }

struct Wake final : Mail {
  explicit Wake(RefreshDesk& desk_in) : desk(desk_in) {}
  void deliver() noexcept override {
    ++count;
    desk.on_woken();
  }
  RefreshDesk& desk;
  int count = 0;
};

enum class Outcome : uint8_t { waiting, looked_again, refused };

Task<void> request(RefreshDesk* desk, Loop* loop, Outcome* outcome) {
  *outcome = co_await desk->wait_for_fetch(*loop) ? Outcome::looked_again : Outcome::refused;
}

struct World {
  World() { now_us = 1'000'000; }
  ~World() {
    for (Loop* loop : {&fetching_loop, &other_loop}) {
      loop->close();
      loop->run();
    }
  }
  Outcome& ask(Loop& loop) {
    Outcome& outcome = outcomes.emplace_back(Outcome::waiting);
    spawn(gate, request(&desk, &loop, &outcome));
    return outcome;
  }
  void settle() {
    for (int i = 0; i < 5; ++i) {
      fetching_loop.run_once();
      other_loop.run_once();
    }
  }
  void fetch() {
    desk.begin_fetch();
    desk.end_fetch();
    settle();
  }

  Loop fetching_loop{{.manual_clock = true}};
  Loop other_loop{{.manual_clock = true}};
  RefreshDesk desk{test_clock};
  Wake wake{desk};
  Gate gate;
  std::list<Outcome> outcomes;
};

TEST_CASE(nobody_waits_where_nobody_fetches) {
  World world;
  CHECK(world.ask(world.other_loop) == Outcome::refused);
  world.desk.open(world.fetching_loop.mailbox(), world.wake);
  world.desk.close();
  CHECK(world.ask(world.other_loop) == Outcome::refused);
}

TEST_CASE(who_asks_wakes_the_fetching_side_once_and_all_are_told) {
  World world;
  world.desk.open(world.fetching_loop.mailbox(), world.wake);
  Outcome& first = world.ask(world.other_loop);
  Outcome& second = world.ask(world.fetching_loop);
  CHECK(world.desk.is_asked());
  world.settle();
  CHECK_EQ(world.wake.count, 1);
  world.desk.begin_fetch();
  Outcome& late = world.ask(world.other_loop);
  world.settle();
  CHECK(first == Outcome::waiting && second == Outcome::waiting && late == Outcome::waiting);
  world.desk.end_fetch();
  world.settle();
  CHECK(first == Outcome::looked_again && second == Outcome::looked_again && late == Outcome::looked_again);
  CHECK_EQ(world.wake.count, 1);
  world.desk.close();
}

TEST_CASE(tokens_get_one_fetch_in_30_s) {
  World world;
  world.desk.open(world.fetching_loop.mailbox(), world.wake);
  Outcome& first = world.ask(world.other_loop);
  world.settle();
  world.fetch();
  CHECK(first == Outcome::looked_again);
  now_us += RefreshDesk::kFloorUs - 1;
  CHECK(world.ask(world.other_loop) == Outcome::refused);
  CHECK(world.ask(world.fetching_loop) == Outcome::refused);
  now_us += 1;
  Outcome& next = world.ask(world.other_loop);
  world.settle();
  CHECK_EQ(world.wake.count, 2);
  CHECK(next == Outcome::waiting);
  world.fetch();
  CHECK(next == Outcome::looked_again);
  world.desk.close();
}

TEST_CASE(a_fetch_that_was_due_is_joined_and_does_not_count) {
  World world;
  world.desk.open(world.fetching_loop.mailbox(), world.wake);
  world.desk.begin_fetch();
  Outcome& joined = world.ask(world.other_loop);
  world.desk.end_fetch();
  world.settle();
  CHECK(joined == Outcome::looked_again);
  CHECK_EQ(world.wake.count, 0);
  Outcome& asked = world.ask(world.other_loop);
  CHECK(asked == Outcome::waiting);
  world.desk.close();
  world.settle();
  CHECK(asked == Outcome::looked_again);
}

TEST_CASE(waiters_are_bounded) {
  World world;
  world.desk.open(world.fetching_loop.mailbox(), world.wake);
  for (size_t i = 0; i < RefreshDesk::kWaitersMax; ++i) CHECK(world.ask(world.other_loop) == Outcome::waiting);
  CHECK(world.ask(world.other_loop) == Outcome::refused);
  world.fetch();
  for (const Outcome& outcome : world.outcomes) CHECK(outcome != Outcome::waiting);
  world.desk.close();
}

}  // namespace
}  // namespace bobbin::auth
