// Following: a replica that begins from a snapshot and follows the change log is equal to the store, whatever happens
// meanwhile; who has fallen behind is told so; one user's feed has that user's changes and no text.
#include <cstdio>
#include <random>

#include "tests/unit/storage/replica.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

const std::vector<std::string> kUsers{"a", "ab", "b"};

void random_work(Fixture& f, std::mt19937& random, std::vector<StartedRun>& running) {
  const std::string user = kUsers[random() % kUsers.size()];
  const std::string thread = "t" + std::to_string(random() % 6);
  const size_t kind = random() % 20;
  if (kind < 9) {
    Submitted submitted = f.submit(user, thread, "m" + std::to_string(f.runs_made));
    if (submitted.run) running.push_back(std::move(*submitted.run));
  } else if (kind < 17) {
    if (running.empty()) return;
    const size_t at = random() % running.size();
    const StartedRun run = running[at];
    running.erase(running.begin() + static_cast<long>(at));
    Finished finished = f.finish(run, "answer " + std::to_string(random() % 1000));
    if (finished.next) running.push_back(std::move(*finished.next));
  } else if (kind < 19) {
    static_cast<void>(f.delete_thread(user, thread));  // not there: nothing happens
  } else if (random() % 6 == 0) {
    CHECK_OK(f.store->execute(DeleteUserThreads{user}));
  } else if (random() % 3 == 0) {
    CHECK_OK(f.store->keep_house());
  }
}

}  // namespace

TEST_CASE(a_replica_equals_the_store_whatever_happens_while_it_reads) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");
  const auto seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 3; ++round) {
    Fixture f;
    std::vector<StartedRun> running;
    for (int i = 0; i < 150; ++i) random_work(f, random, running);
    Replica replica(static_cast<uint32_t>(random()));
    replica.begin(*f.store);
    for (int i = 0; i < 400; ++i) {
      random_work(f, random, running);
      if (random() % 2 == 0) CHECK_OK(replica.step(*f.store));
      if (i == 200) {  // what runs is interrupted: changes that nobody asked for
        f.reopen();
        running.clear();
        for (const UnfinishedThread& thread : CHECK_OK(f.store->unfinished_threads())) {
          const auto reply = CHECK_OK(f.store->execute(StartNext{thread.user, thread.thread}));
          if (const auto& run = std::get<StartedNext>(reply).run) running.push_back(*run);
        }
      }
    }
    while (CHECK_OK(replica.step(*f.store))) {
    }
    CHECK_EQ(replica.lost(), size_t{0});
    replica.check_equal(f, kUsers);
  }
}

TEST_CASE(a_position_whose_changes_are_gone_is_lost) {
  Fixture f(Fixture::Opened::later);
  f.options.changes_kept_max = 10;
  f.open();
  for (int i = 0; i < 20; ++i) f.turn("u", "t", "q", "a");  // 40 changes
  CHECK(!CHECK_OK(f.store->read_changes(0, 100, 1 << 20)).lost);
  CHECK_OK(f.store->keep_house());
  CHECK(CHECK_OK(f.store->read_changes(0, 100, 1 << 20)).lost);
  CHECK(CHECK_OK(f.store->read_changes(29, 100, 1 << 20)).lost);
  CHECK(CHECK_OK(f.store->read_feed("u", 29, 100)).lost);
  const ChangesPage page = CHECK_OK(f.store->read_changes(30, 100, 1 << 20));
  CHECK(!page.lost);
  CHECK_EQ(page.changes.size(), size_t{10});
  CHECK_EQ(page.changes.front().sequence, uint64_t{31});
  CHECK_EQ(CHECK_OK(f.store->read_feed("u", 30, 100)).events.size(), size_t{10});
  CHECK(CHECK_OK(f.store->read_changes(41, 1, 1)).lost);  // ahead of the store: it is another one
  f.reopen();
  CHECK_EQ(f.store->state().last_sequence, uint64_t{40});
  f.turn("u", "t", "q", "a");
  CHECK_EQ(CHECK_OK(f.store->read_changes(40, 100, 1 << 20)).changes.size(), size_t{2});
}

TEST_CASE(old_changes_go_but_never_the_newest) {
  Fixture f(Fixture::Opened::later);
  f.options.changes_kept_us = 1'000'000;
  f.open();
  for (int i = 0; i < 3; ++i) f.turn("u", "t", "q", "a");
  advance_us(10'000'000);
  CHECK_OK(f.store->keep_house());
  CHECK(CHECK_OK(f.store->read_changes(4, 10, 1 << 20)).lost);
  CHECK_EQ(CHECK_OK(f.store->read_changes(5, 10, 1 << 20)).changes.size(), size_t{1});
  f.reopen();
  CHECK_EQ(f.store->state().last_sequence, uint64_t{6});
}

TEST_CASE(the_feed_has_one_users_changes_in_order) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  f.turn("v", "t", "q", "a");
  const Submitted second = f.submit("u", "t", "q2");
  CHECK_OK(f.delete_thread("u", "t"));
  const FeedPage page = CHECK_OK(f.store->read_feed("u", 0, 100));
  CHECK_EQ(page.events.size(), size_t{4});
  CHECK_EQ(page.events[0].sequence, uint64_t{1});
  CHECK(page.events[0].operation == ChangeOperation::run_started && page.events[0].thread == "t");
  CHECK(page.events[1].operation == ChangeOperation::run_finished && page.events[1].sequence == 2);
  CHECK(page.events[2].sequence == 5 && page.events[2].run_id == second.run->run_id);
  CHECK(page.events[3].operation == ChangeOperation::thread_deleted);
  CHECK_EQ(page.last_sequence, uint64_t{6});
  CHECK_EQ(CHECK_OK(f.store->read_feed("u", 2, 1)).events[0].sequence, uint64_t{5});
  CHECK(CHECK_OK(f.store->read_feed("nobody", 0, 100)).events.empty());
}

TEST_CASE(a_followers_position_is_durable_and_never_ahead) {
  Fixture f;
  CHECK(!CHECK_OK(f.store->follower_position("search")));
  CHECK_FAILS(f.store->execute(MoveFollower{"search", 1}), Code::invalid);
  f.turn("u", "t", "q", "a");
  CHECK_OK(f.store->execute(MoveFollower{"search", 2}));
  CHECK_FAILS(f.store->execute(MoveFollower{"search", 3}), Code::invalid);
  CHECK_FAILS(f.store->execute(MoveFollower{"Search/x", 1}), Code::invalid);
  CHECK_FAILS(f.store->execute(MoveFollower{"", 1}), Code::invalid);
  f.reopen();
  CHECK_EQ(*CHECK_OK(f.store->follower_position("search")), uint64_t{2});
}

TEST_CASE(a_listener_hears_every_change_once_after_its_commit) {
  class Heard final : public ChangeListener {
   public:
    void on_changes(const std::vector<CommittedChange>& changes) noexcept override {
      const std::lock_guard lock(mutex);
      for (const CommittedChange& change : changes) sequences.push_back(change.sequence);
    }
    std::mutex mutex;
    std::vector<uint64_t> sequences;
  } heard;
  Fixture f(Fixture::Opened::later);
  f.options.listener = &heard;
  f.open();
  for (int i = 0; i < 5; ++i) f.turn("u", "t", "q", "a");
  const std::lock_guard lock(heard.mutex);
  CHECK_EQ(heard.sequences.size(), size_t{10});
  for (size_t i = 0; i < 10; ++i) CHECK_EQ(heard.sequences[i], i + 1);
}
