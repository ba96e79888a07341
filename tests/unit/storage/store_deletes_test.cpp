// Deletes: all of a thread goes, nobody else's, and its run cannot bring it back.
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

TEST_CASE(a_deleted_thread_is_gone_and_its_run_cannot_bring_it_back) {
  Fixture f;
  f.turn("u", "t", "old", "old answer");
  const StartedRun dead = *f.submit("u", "t", "1").run;
  f.submit("u", "t", "2");
  const Deleted deleted = CHECK_OK(f.delete_thread("u", "t"));
  CHECK_EQ(deleted.sessions, uint64_t{1});
  CHECK_EQ(deleted.messages, uint64_t{3});
  CHECK_EQ(deleted.cancelled.size(), size_t{2});
  CHECK(deleted.cancelled[0].run_id == dead.run_id && deleted.cancelled[0].active);
  CHECK(!deleted.cancelled[1].active);
  CHECK(!f.page("u", "t").found);
  CHECK(f.sessions("u").empty());
  CHECK(!f.finish(dead, "ghost").applied);
  CHECK(!f.page("u", "t").found);
  CHECK(!CHECK_OK(f.store->find_run("u", "t", dead.run_id, Tier::any)));

  const Submitted reborn = f.submit("u", "t", "new");
  CHECK(reborn.thread_created);
  CHECK(reborn.incarnation > dead.incarnation);
  CHECK(!f.finish(dead, "ghost").applied);
  f.finish(*reborn.run, "new answer");
  CHECK((f.history("u", "t") == std::vector<std::string>{"new", "new answer"}));
  CHECK_EQ(CHECK_OK(f.store->find_thread("u", "t", Tier::any))->title, "new");
  CHECK((f.sessions("u") == std::vector<std::string>{"t"}));
  f.reopen();
  CHECK((f.history("u", "t") == std::vector<std::string>{"new", "new answer"}));
}

TEST_CASE(deleting_all_threads_of_a_user_spares_everybody_else) {
  Fixture f;
  for (const char* user : {"u", "uu", "\x01u", "v"}) {
    f.turn(user, "t1", "q", "a");
    f.turn(user, "t2", "q", "a");
  }
  const StartedRun run = *f.submit("u", "t1", "q2").run;
  f.submit("u", "t1", "q3");
  const auto deleted = std::get<Deleted>(CHECK_OK(f.store->execute(DeleteUserThreads{"u"})));
  CHECK_EQ(deleted.sessions, uint64_t{2});
  CHECK_EQ(deleted.messages, uint64_t{5});
  CHECK_EQ(deleted.cancelled.size(), size_t{2});
  CHECK(deleted.cancelled[0].active && deleted.cancelled[0].run_id == run.run_id &&
        deleted.cancelled[0].thread == "t1");
  CHECK(f.sessions("u").empty());
  CHECK(f.history("u", "t1").empty());
  CHECK(!f.finish(run, "ghost").applied);
  for (const char* user : {"uu", "\x01u", "v"}) CHECK_EQ(f.sessions(user).size(), size_t{2});
  CHECK_EQ(std::get<Deleted>(CHECK_OK(f.store->execute(DeleteUserThreads{"u"}))).sessions, uint64_t{0});
  f.turn("u", "t1", "new", "a");
  CHECK((f.history("u", "t1") == std::vector<std::string>{"new", "a"}));
}
