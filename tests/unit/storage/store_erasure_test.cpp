// Deletion that deletes: what was deleted is out of reach at once, and after a pass of the eraser in no file of the
// data directory. Looked for in the files themselves.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "storage/keys.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

// A word that nothing else contains and that compression leaves as it is: it never repeats.
std::string secret(int number) {
  std::string word = "s";
  uint64_t state = 0x9e3779b97f4a7c15u * static_cast<uint64_t>(number + 1);
  for (int i = 0; i < 24; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    word.push_back(static_cast<char>('a' + state % 26));
  }
  return word;
}

void keep_house_to_the_end(Store& store) {
  for (int i = 0; i < 20; ++i) {
    if (CHECK_OK(store.keep_house())) return;
  }
  CHECK(false && "something was never erased");
}

}  // namespace

TEST_CASE(nothing_of_a_deleted_thread_is_left_in_any_file) {
  Fixture f;
  const std::string data = f.directory.path() + "/data";
  f.turn("u", "kept", "kept question", secret(0));
  for (int i = 1; i <= 40; ++i) f.turn("u", "t", secret(2 * i), secret(2 * i + 1));
  f.reopen();  // some of it in tables, some in the log
  for (int i = 41; i <= 60; ++i) f.turn("u", "t", secret(2 * i), secret(2 * i + 1));
  const Submitted running = f.submit("u", "t", secret(500));
  f.submit("u", "t", secret(501));  // waits in the queue
  CHECK(!files_with(data, secret(2)).empty());
  CHECK(!files_with(data, secret(501)).empty());

  CHECK_OK(f.delete_thread("u", "t"));
  keep_house_to_the_end(*f.store);
  for (int i = 2; i <= 121; ++i) CHECK_EQ(files_with(data, secret(i)).size(), size_t{0});
  CHECK_EQ(files_with(data, secret(500)).size(), size_t{0});
  CHECK_EQ(files_with(data, secret(501)).size(), size_t{0});
  CHECK(!files_with(data, secret(0)).empty());
  CHECK((f.history("u", "kept") == std::vector<std::string>{"kept question", secret(0)}));
  CHECK(!f.finish(*running.run, "ghost").applied);
}

TEST_CASE(nothing_is_left_of_all_threads_of_a_user) {
  Fixture f;
  const std::string data = f.directory.path() + "/data";
  for (int i = 0; i < 30; ++i) f.turn("u", "t" + std::to_string(i), secret(2 * i), secret(2 * i + 1));
  f.turn("v", "t", "mine", secret(900));
  CHECK_OK(f.store->execute(DeleteUserThreads{"u"}));
  keep_house_to_the_end(*f.store);
  for (int i = 0; i < 60; ++i) CHECK_EQ(files_with(data, secret(i)).size(), size_t{0});
  CHECK(!files_with(data, secret(900)).empty());
}

TEST_CASE(an_erasure_goes_on_after_a_restart) {
  Fixture f;
  const std::string data = f.directory.path() + "/data";
  for (int i = 0; i < 10; ++i) f.turn("u", "t", secret(2 * i), secret(2 * i + 1));
  CHECK_OK(f.delete_thread("u", "t"));
  f.reopen();
  keep_house_to_the_end(*f.store);
  for (int i = 0; i < 20; ++i) CHECK_EQ(files_with(data, secret(i)).size(), size_t{0});
}

TEST_CASE(a_thread_made_again_before_the_erasure_keeps_all_of_its_own) {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.turn("u", "t", "old", "old answer");
  const auto old_page = f.page("u", "t");
  const Uuid old_run = old_page.messages[0].run_id;
  CHECK_OK(f.delete_thread("u", "t"));
  // The clock is set back by an hour: without a floor the new stamps would fall among the old ones.
  fake_wall_us -= int64_t{3600} * 1'000'000;
  for (int i = 0; i < 3; ++i) f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
  const std::vector<std::string> expected{"q0", "a0", "q1", "a1", "q2", "a2"};
  CHECK(f.history("u", "t") == expected);
  CHECK(f.page("u", "t").messages.back().order > old_page.messages.front().order);
  CHECK(!CHECK_OK(f.store->find_run("u", "t", old_run, Tier::any)));
  Submit to_the_dead;
  to_the_dead.user = "u";
  to_the_dead.thread = "t";
  to_the_dead.content = "late";
  to_the_dead.parent = old_page.messages[0].id;
  CHECK_FAILS(f.submit(to_the_dead), Code::not_found);

  keep_house_to_the_end(*f.store);
  CHECK(f.history("u", "t") == expected);
  const auto run = CHECK_OK(f.store->find_run("u", "t", f.page("u", "t").messages[0].run_id, Tier::any));
  CHECK(run && run->state == RunState::done);
  f.reopen();
  CHECK(f.history("u", "t") == expected);
  f.turn("u", "t", "q3", "a3");
  CHECK_EQ(f.history("u", "t").size(), size_t{8});
}

TEST_CASE(a_thread_that_died_twice_is_erased_without_touching_the_third) {
  Fixture f;
  for (int life = 0; life < 2; ++life) {
    for (int i = 0; i < 3; ++i) f.turn("u", "t", secret(life * 10 + i), "a");
    CHECK_OK(f.delete_thread("u", "t"));
  }
  f.turn("u", "t", "third", "life");
  keep_house_to_the_end(*f.store);
  CHECK((f.history("u", "t") == std::vector<std::string>{"third", "life"}));
  for (int i = 0; i < 3; ++i) {
    CHECK_EQ(files_with(f.directory.path() + "/data", secret(i)).size(), size_t{0});
    CHECK_EQ(files_with(f.directory.path() + "/data", secret(10 + i)).size(), size_t{0});
  }
}

TEST_CASE(a_long_thread_is_purged_in_pieces_beside_other_work) {
  Fixture f;
  for (int i = 0; i < 1500; ++i) f.turn("u", "long", "q", "a");
  const uint64_t before = f.store->state().last_sequence;
  CHECK_OK(f.delete_thread("u", "long"));
  f.turn("u", "other", "q", "a");
  keep_house_to_the_end(*f.store);
  CHECK_EQ(f.store->state().last_sequence, before + 3);  // the purge is nobody's change
  CHECK((f.sessions("u") == std::vector<std::string>{"other"}));
}

TEST_CASE(an_erasure_ends_though_some_run_is_always_active) {
  Fixture f;
  const std::string data = f.directory.path() + "/data";
  const auto writer = f.store->run_log().make_writer();
  const auto say = [&](uint32_t run, const std::string& text) {
    writer->append(run_number(run), 1, RunLogKind::token, text);
    CHECK_OK(writer->flush());
  };
  f.turn("u", "t", secret(1), secret(2));
  say(1001, secret(2));
  writer->end_run(run_number(1001));
  say(1002, "a neighbour in the same segment, which goes on");
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK(!CHECK_OK(f.store->keep_house()));  // the neighbour holds the segment
  CHECK(!files_with(data + "/runlog", secret(2)).empty());
  CHECK_EQ(files_with(data + "/db", secret(2)).size(), size_t{0});
  say(1003, "the next one has begun before the neighbour ends");
  CHECK(!CHECK_OK(f.store->keep_house()));
  writer->end_run(run_number(1002));
  keep_house_to_the_end(*f.store);
  CHECK_EQ(files_with(data, secret(2)).size(), size_t{0});
  writer->end_run(run_number(1003));
}

TEST_CASE(an_erasure_does_not_wait_for_empty_logs_of_earlier_processes) {
  Fixture f;
  auto writer = f.store->run_log().make_writer();
  writer->append(run_number(1001), 1, RunLogKind::token, "a run that the process does not outlive");
  CHECK_OK(writer->flush());
  f.turn("u", "t", secret(1), secret(2));
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK(!CHECK_OK(f.store->keep_house()));
  writer.reset();
  f.reopen();  // each opening leaves a log in which nothing was written
  f.reopen();
  keep_house_to_the_end(*f.store);
}
