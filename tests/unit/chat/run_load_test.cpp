// Proves when a user may have one more run: by threads with runs, by all runs, with those of before a restart, and that
// nothing is left of users whose runs have ended.

#include "src/chat/run_load.h"

#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

TEST_CASE(as_many_threads_as_allowed_have_runs_and_others_wait_in_them) {
  RunLoad load(2);
  load.add("ada", "a");
  CHECK(load.has_room("ada", "b"));
  load.add("ada", "b");
  CHECK(!load.has_room("ada", "c"));
  CHECK(load.has_room("ada", "a"));
  CHECK(load.has_room("eve", "c"));
  load.add("ada", "a");  // waits
  load.remove("ada", "a");
  CHECK(!load.has_room("ada", "c"));
  load.remove("ada", "a");
  CHECK(load.has_room("ada", "c"));
}

TEST_CASE(waiting_runs_count_towards_a_larger_bound) {
  RunLoad load(1);
  for (uint32_t i = 0; i < RunLoad::kRunsPerActive; ++i) {
    CHECK(load.has_room("ada", "a"));
    load.add("ada", "a");
  }
  CHECK(!load.has_room("ada", "a"));
  load.remove("ada", "a");
  CHECK(load.has_room("ada", "a"));
}

TEST_CASE(what_waited_before_a_restart_counts_until_it_is_gone) {
  RunLoad load(1);
  load.add_stored("ada", "a", 2);
  load.add_stored("ada", "none", 0);
  CHECK(!load.has_room("ada", "b"));
  load.hold_stored("ada", "a");  // its turn has come
  load.remove("ada", "a");       // and it has ended
  CHECK(!load.has_room("ada", "b"));
  load.drop_stored("ada", "a");
  CHECK(load.has_room("ada", "b"));
  load.drop_stored("ada", "a");
  load.add_stored("ada", "a", 7);
  load.add_stored("ada", "b", 1);
  CHECK(!load.has_room("ada", "a"));
  load.drop_all_stored("ada", "a");
  CHECK(!load.has_room("ada", "a"));
  load.drop_all_stored("ada");
  CHECK(load.has_room("ada", "a"));
  load.drop_all_stored("nobody");
}

TEST_CASE(held_runs_are_not_gone_with_what_is_stored) {
  RunLoad load(1);
  load.add("ada", "a");
  load.drop_all_stored("ada", "a");
  load.drop_all_stored("ada");
  load.drop_stored("ada", "a");
  CHECK(!load.has_room("ada", "b"));
}

TEST_CASE(without_a_limit_there_is_always_room) {
  RunLoad load(0);
  for (int i = 0; i < 1000; ++i) load.add("ada", std::to_string(i));
  load.add_stored("ada", "x", 1000);
  CHECK(load.has_room("ada", "y"));
  load.remove("ada", "1");
}

}  // namespace
}  // namespace bobbin::chat
