// Damage of every kind is planted into a store that three small threads were written to, one at a time: verify names
// the row and says what is wrong; repair mends what other rows say and leaves, listed, what nothing says; and what the
// store itself wrote is clean, also after a random walk.
#include "storage/verify.h"

#include <fstream>
#include <map>
#include <random>

#include "storage/key_layout.h"
#include "storage/run_log_format.h"
#include "tests/unit/storage/raw_store.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

Watch no_watch;

VerifyReport look(Database& database, bool repair = false) {
  VerifyOptions options;
  options.repair = repair;
  return CHECK_OK(verify(database, options, no_watch));
}

std::string all_of(const VerifyReport& report) {
  std::string text;
  for (const Problem& problem : report.problems) {
    text += problem.family + ", " + problem.row + ": " + problem.what + " [" +
            std::to_string(static_cast<int>(problem.repair)) + "]\n";
  }
  return text;
}

// False means that RocksDB has not let go of a file yet: asked again, a bounded number of times.
void keep_house_to_the_end(Store& store) {
  bool is_done = false;
  for (int tries = 0; tries < 10 && !is_done; ++tries) is_done = CHECK_OK(store.keep_house());
  CHECK(is_done);
}

void check_clean(const VerifyReport& report) { CHECK_EQ(all_of(report), ""); }

// anna: `trip` with two turns; `plan` with one, an active run and one that waits; `tree` with two branches.
// bert: `trip` with one turn.
struct Planted {
  Planted() {
    f.turn("anna", "trip", "where to?", "to the sea");
    f.turn("anna", "trip", "which one?", "the nearest");
    f.turn("anna", "plan", "first", "yes");
    f.submit("anna", "plan", "second");
    f.submit("anna", "plan", "third");
    f.turn("anna", "tree", "root", "leaf one");
    Submit other;
    other.user = "anna";
    other.thread = "tree";
    other.content = "another root";
    other.parent = Uuid{};
    const Submitted submitted = CHECK_OK(f.submit(std::move(other)));
    f.finish(*submitted.run, "leaf two");
    f.turn("bert", "trip", "hello", "hello yourself");
    raw.emplace(f);
    check_clean(look(raw->database()));
    plan = raw->summary("anna", "plan");
    trip = raw->summary("anna", "trip");
  }

  // Exactly these words are among the problems, and a repair leaves a clean store.
  void expect_mended(const std::string& words) {
    const VerifyReport before = look(raw->database());
    check_found(before, words);
    for (const Problem& problem : before.problems) CHECK(problem.repair == Problem::Repair::possible);
    check_found(look(raw->database(), true), words);
    check_clean(look(raw->database()));
  }
  void expect_listed(const std::string& words) {
    for (const bool repair : {false, true, false}) {
      const VerifyReport report = look(raw->database(), repair);
      check_found(report, words);
      CHECK_EQ(report.repaired_count, 0u);
    }
  }
  static void check_found(const VerifyReport& report, const std::string& words) {
    const std::string all = all_of(report);
    if (all.find(words) == std::string::npos) CHECK_EQ(all, words);
    CHECK_EQ(report.problem_count, report.problems.size());
  }
  std::string key(const char* thread) const { return RawStore::thread_key("anna", thread); }
  std::string queue_key(uint64_t position) const {
    std::string queue_key;
    append_queue_key(queue_key, "anna", "plan", position);
    return queue_key;
  }
  // Deletes a thread, and makes one of the same id if asked to. As the store leaves it until the eraser comes: its rows
  // are there, and the row of `erasures` that asks for them.
  enum class Then : uint8_t { nothing, made_again };
  void bury(const std::string& user, const std::string& thread, Then then) {
    const ThreadSummary summary = raw->summary(user, thread);
    std::map<std::pair<Family, std::string>, std::string> rows;
    for (const Family family : {Family::messages, Family::runs}) {
      for (const std::string& key : raw->keys(family)) {
        if (key.starts_with(RawStore::thread_key(user, thread))) rows[{family, key}] = *raw->get(family, key);
      }
    }
    raw.reset();
    f.open();
    CHECK_OK(f.delete_thread(user, thread));
    const uint64_t deletion = f.store->state().last_sequence;
    if (then == Then::made_again) f.turn(user, thread, "a new beginning", "and a new answer");
    keep_house_to_the_end(*f.store);
    raw.emplace(f);
    for (const auto& [key, value] : rows) raw->put(key.first, key.second, value);
    erasure_key.clear();
    append_erasure_key(erasure_key, user, thread, deletion);
    erasure = {.stage = ErasureRecord::Stage::rows,
               .incarnation = summary.incarnation,
               .last_stamp = summary.last_stamp,
               .recency_stamp = summary.recency_stamp,
               .deleted_us = fake_wall()};
    put_erasure();
    check_clean(look(raw->database()));
  }
  void put_erasure() {
    std::string value;
    append_erasure_record(value, erasure);
    raw->put(Family::erasures, erasure_key, value);
  }
  void remove_change(uint64_t sequence) {
    std::string key;
    append_change_key(key, sequence);
    const ChangeRecord change = CHECK_OK(decode_change(*raw->get(Family::changes, key)));
    raw->remove(Family::changes, key);
    raw->remove(Family::feed, feed_key(change.user, sequence));
  }
  static std::string feed_key(const std::string& user, uint64_t sequence) {
    std::string key;
    append_feed_key(key, user, sequence);
    return key;
  }
  // Opens the store once more, and erases all that waits.
  void erase() {
    raw.reset();
    f.open();
    keep_house_to_the_end(*f.store);
    raw.emplace(f);
    check_clean(look(raw->database()));
    CHECK(raw->keys(Family::erasures).empty());
  }
  size_t messages_of(const std::string& user, const std::string& thread) {
    const auto keys = raw->keys(Family::messages);
    return static_cast<size_t>(std::count_if(keys.begin(), keys.end(), [&](const std::string& key) {
      return key.starts_with(RawStore::thread_key(user, thread));
    }));
  }
  std::string first_waiting() {
    const auto keys = raw->keys(Family::queue);
    CHECK_EQ(keys.size(), 2u);
    return keys[1];
  }

  Fixture f;
  std::optional<RawStore> raw;
  ThreadSummary plan;
  ThreadSummary trip;
  std::string erasure_key;  // of the thread that was buried last
  ErasureRecord erasure;
};

}  // namespace

TEST_CASE(a_summary_whose_numbers_are_wrong_is_mended) {
  const std::pair<const char*, std::function<void(ThreadSummary&)>> cases[] = {
      {"number of messages: says 9, is 4", [](auto& s) { s.total_messages = 9; }},
      {"messages of the active branch: says 9, is 4", [](auto& s) { s.message_count = 9; }},
      {"newest message: says 5, is ", [](auto& s) { s.newest_order = 5; }},
      {"its active branch ends with a message that does not exist", [](auto& s) { s.active_leaf = 77; }},
      {"its last stamp is older than its newest message", [](auto& s) { s.last_stamp = 1; }},
      {"its title is not that of its first message", [](auto& s) { s.title = "another"; }},
      {"its preview is not that of its last message", [](auto& s) { s.preview = "another"; }},
      {"its active run has no record in state running", [](auto& s) { s.active_run = run_number(99); }},
  };
  for (const auto& [words, change] : cases) {
    Planted p;
    p.raw->change_summary("anna", "trip", change);
    p.expect_mended(std::string("threads, user \"anna\" thread \"trip\": ") + words);
    ThreadSummary mended = p.raw->summary("anna", "trip");
    CHECK_EQ(mended.total_messages, p.trip.total_messages);
    CHECK_EQ(mended.active_leaf, p.trip.active_leaf);
    CHECK_EQ(mended.message_count, p.trip.message_count);
    CHECK_EQ(mended.title, p.trip.title);
    CHECK_EQ(mended.preview, p.trip.preview);
  }
}

TEST_CASE(a_title_set_by_hand_is_left_alone) {
  Planted p;
  p.raw->change_summary("anna", "trip", [](auto& s) {
    s.title = "mine";
    s.flags |= thread_flags::kTitleSet;
  });
  check_clean(look(p.raw->database()));
}

TEST_CASE(a_branch_that_is_not_marked_is_mended) {
  Planted p;
  p.raw->change_summary("anna", "tree", [](auto& s) { s.flags &= ~thread_flags::kBranched; });
  p.expect_mended("threads, user \"anna\" thread \"tree\": it has branches, but is not marked so");
}

TEST_CASE(a_mended_store_opens_and_goes_on) {
  Planted p;
  p.raw->change_summary("anna", "trip", [](auto& s) { s.active_leaf = 77; });
  p.raw->remove(Family::recency, RawStore::recency_key("anna", p.raw->summary("anna", "tree")));
  look(p.raw->database(), true);
  p.raw.reset();
  p.f.open();
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
  for (const char* thread : {"trip", "tree"}) {
    for (int i = 0; i < 3; ++i) p.f.turn("anna", thread, "more", "and more");
  }
  CHECK_EQ(p.f.history("anna", "trip").size(), 10u);
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
  CHECK_OK(p.f.delete_thread("anna", "tree"));
  CHECK_EQ(p.f.sessions("anna").size(), 2u);
  p.raw.emplace(p.f);
  check_clean(look(p.raw->database()));
}

TEST_CASE(recency_has_one_row_for_each_thread) {
  {
    Planted p;
    p.raw->remove(Family::recency, RawStore::recency_key("anna", p.trip));
    p.expect_mended("recency, user \"anna\" stamp " + std::to_string(p.trip.recency_stamp) +
                    " thread \"trip\": is missing");
  }
  {
    Planted p;
    ThreadSummary other = p.trip;
    ++other.recency_stamp;
    p.raw->put(Family::recency, RawStore::recency_key("anna", other),
               *p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
    p.expect_mended("thread \"trip\": its thread has another row");
  }
  {
    Planted p;
    ThreadSummary other = p.trip;
    other.thread = "ghost";
    p.raw->put(Family::recency, RawStore::recency_key("anna", other),
               *p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
    p.expect_mended("thread \"ghost\": its thread does not exist");
  }
  {
    Planted p;
    p.raw->damage(Family::recency, RawStore::recency_key("anna", p.trip));
    p.expect_mended("thread \"trip\": differs from its thread's summary");
  }
}

TEST_CASE(a_lost_summary_comes_back_from_its_copy) {
  for (const bool damaged : {false, true}) {
    Planted p;
    if (damaged) {
      p.raw->damage(Family::threads, p.key("trip"));
    } else {
      p.raw->remove(Family::threads, p.key("trip"));
    }
    p.expect_mended(std::string("threads, user \"anna\" thread \"trip\": ") +
                    (damaged ? "record fails its checksum" : "is missing") + "; its copy in recency is whole");
    ThreadSummary mended = p.raw->summary("anna", "trip");
    mended.flags = p.trip.flags;
    CHECK(mended == p.trip);
  }
}

TEST_CASE(a_summary_without_copy_is_made_from_its_messages) {
  for (const char* thread : {"trip", "plan", "tree"}) {
    Planted p;
    const ThreadSummary before = p.raw->summary("anna", thread);
    p.raw->damage(Family::threads, p.key(thread));
    p.raw->remove(Family::recency, RawStore::recency_key("anna", before));
    p.expect_mended("its messages say what it was");
    const ThreadSummary mended = p.raw->summary("anna", thread);
    CHECK_EQ(mended.incarnation, before.incarnation);
    CHECK_EQ(mended.total_messages, before.total_messages);
    CHECK_EQ(mended.active_leaf, before.active_leaf);
    CHECK_EQ(mended.message_count, before.message_count);
    CHECK_EQ(mended.title, before.title);
    CHECK_EQ(mended.preview, before.preview);
    CHECK(mended.last_stamp >= before.newest_order);
    CHECK(mended.active_run == before.active_run);
    CHECK(mended.newest_run == before.newest_run);
  }
}

TEST_CASE(rows_of_a_deleted_thread_that_nothing_erases_are_given_to_the_eraser) {
  Planted p;
  p.bury("bert", "trip", Planted::Then::nothing);
  p.raw->remove(Family::erasures, p.erasure_key);
  p.expect_mended("2 rows of a thread that was deleted");
  CHECK_EQ(p.messages_of("bert", "trip"), 2u);
  p.erase();
  CHECK_EQ(p.messages_of("bert", "trip"), 0u);
}

TEST_CASE(rows_that_an_erasure_has_left_behind_are_given_to_it_again) {
  Planted p;
  p.bury("bert", "trip", Planted::Then::nothing);
  p.erasure.stage = ErasureRecord::Stage::files;
  p.put_erasure();
  p.expect_mended("2 rows of a thread that was deleted");
  p.erase();
  CHECK_EQ(p.messages_of("bert", "trip"), 0u);
}

TEST_CASE(a_damaged_erasure_is_made_again) {
  for (const auto then : {Planted::Then::nothing, Planted::Then::made_again}) {
    Planted p;
    p.bury("anna", "trip", then);
    const bool is_made_again = then == Planted::Then::made_again;
    CHECK_EQ(p.messages_of("anna", "trip"), is_made_again ? 6u : 4u);
    p.raw->damage(Family::erasures, p.erasure_key);
    p.expect_mended("erasures, user \"anna\" thread \"trip\" deletion");
    p.erase();
    CHECK_EQ(p.messages_of("anna", "trip"), is_made_again ? 2u : 0u);
  }
}

TEST_CASE(dead_rows_beside_a_living_thread_are_told_apart) {
  Planted p;
  p.bury("anna", "trip", Planted::Then::made_again);
  const ThreadSummary again = p.raw->summary("anna", "trip");
  CHECK(again.stamp_floor >= p.trip.newest_order);
  CHECK_EQ(again.total_messages, 2u);
  {
    p.raw->remove(Family::erasures, p.erasure_key);
    p.expect_mended("4 rows of a deleted thread, which nothing erases");
    p.raw->remove(Family::erasures, p.raw->keys(Family::erasures).front());
    p.put_erasure();
  }
  {
    p.raw->change_summary("anna", "trip", [](auto& s) { s.stamp_floor = 0; });
    p.expect_mended("messages of a deleted thread would be taken for its own");
    CHECK_EQ(p.raw->summary("anna", "trip").stamp_floor, p.erasure.last_stamp);
  }
  {
    const std::string before = RawStore::recency_key("anna", p.raw->summary("anna", "trip"));
    p.raw->change_summary("anna", "trip", [&](auto& s) { s.recency_stamp = p.erasure.recency_stamp; });
    p.raw->remove(Family::recency, before);
    p.expect_mended("its place in the list was that of a deleted thread");
    CHECK(p.raw->summary("anna", "trip").recency_stamp > p.erasure.recency_stamp);
  }
  p.erase();
  CHECK_EQ(p.messages_of("anna", "trip"), 2u);
  p.raw.reset();
  p.f.open();
  CHECK(p.f.history("anna", "trip") == std::vector<std::string>({"a new beginning", "and a new answer"}));
  CHECK_EQ(p.f.sessions("anna").size(), 3u);
}

TEST_CASE(a_lost_summary_of_a_thread_made_again_does_not_take_the_dead_rows) {
  for (const bool has_copy : {true, false}) {
    Planted p;
    p.bury("anna", "trip", Planted::Then::made_again);
    const ThreadSummary before = p.raw->summary("anna", "trip");
    p.raw->remove(Family::threads, p.key("trip"));
    if (!has_copy) p.raw->remove(Family::recency, RawStore::recency_key("anna", before));
    p.expect_mended(has_copy ? "its copy in recency is whole" : "its messages say what it was");
    const ThreadSummary mended = p.raw->summary("anna", "trip");
    CHECK_EQ(mended.incarnation, before.incarnation);
    CHECK_EQ(mended.total_messages, 2u);
    CHECK_EQ(mended.title, "a new beginning");
    CHECK(mended.stamp_floor >= p.erasure.last_stamp && mended.recency_stamp > p.erasure.recency_stamp);
    p.erase();
    CHECK_EQ(p.messages_of("anna", "trip"), 2u);
  }
}

TEST_CASE(a_summary_that_outlived_its_deletion_goes) {
  Planted p;
  p.bury("anna", "trip", Planted::Then::nothing);
  std::string value;
  append_summary_record(value, p.trip);
  p.raw->put(Family::threads, p.key("trip"), value);
  p.raw->put(Family::recency, RawStore::recency_key("anna", p.trip), value);
  p.expect_mended("threads, user \"anna\" thread \"trip\": it is there, though it was deleted");
  CHECK(!p.raw->get(Family::threads, p.key("trip")));
  CHECK(!p.raw->get(Family::recency, RawStore::recency_key("anna", p.trip)));
  p.erase();
}

TEST_CASE(rows_without_thread_and_messages_are_dropped) {
  Planted p;
  QueueRecord entry;
  entry.run_id = run_number(50);
  entry.content = "nobody's";
  std::string value;
  append_queue_record(value, entry);
  std::string key;
  append_queue_key(key, "anna", "ghost", 2);
  p.raw->put(Family::queue, key, value);
  p.expect_mended("queue, user \"anna\" thread \"ghost\" position 2: 1 row of a thread that does not exist");
}

TEST_CASE(a_damaged_message_is_listed_and_stays) {
  Planted p;
  const std::string key = RawStore::message_key("anna", "trip", p.trip.newest_order - 1);
  p.raw->damage(Family::messages, key);
  const std::string damaged = *p.raw->get(Family::messages, key);
  p.expect_listed("messages, user \"anna\" thread \"trip\" order " + std::to_string(p.trip.newest_order - 1) +
                  ": record fails its checksum [0]");
  CHECK_EQ(*p.raw->get(Family::messages, key), damaged);
}

TEST_CASE(a_missing_message_is_listed_by_the_one_that_follows_it) {
  Planted p;
  p.raw->remove(Family::messages, RawStore::message_key("anna", "trip", p.trip.newest_order - 1));
  const std::string words = "messages, user \"anna\" thread \"trip\" order " + std::to_string(p.trip.newest_order) +
                            ": its parent message is missing [0]";
  Planted::check_found(look(p.raw->database()), words);
  look(p.raw->database(), true);  // counts what is left
  const VerifyReport left = look(p.raw->database());
  CHECK_EQ(all_of(left), words + "\n");
  CHECK_EQ(p.raw->summary("anna", "trip").total_messages, 3u);
}

TEST_CASE(links_between_messages_are_followed) {
  const std::pair<const char*, std::function<void(Message&)>> cases[] = {
      {"its depth is not its parent's and one", [](Message& m) { m.depth = 9; }},
      {"its parent is not older than itself", [](Message& m) { m.parent_order = m.order; }},
      {"its parent message is missing", [](Message& m) { m.parent_order = 5; }},
      {"it has no parent, but a depth other than 1", [](Message& m) { m.parent_order = 0; }},
      {"its id is not that of its order", [](Message& m) { m.id = make_uuid_v7(m.order + 1); }},
  };
  for (const auto& [words, change] : cases) {
    Planted p;
    const std::string key = RawStore::message_key("anna", "trip", p.trip.newest_order);
    Message message = CHECK_OK(decode_message(*p.raw->get(Family::messages, key), p.trip.newest_order));
    change(message);
    std::string value;
    append_message_record(value, message);
    p.raw->put(Family::messages, key, value);
    Planted::check_found(look(p.raw->database()),
                         std::string("order ") + std::to_string(p.trip.newest_order) + ": " + words + " [0]");
  }
}

TEST_CASE(the_active_run_has_a_record_and_a_place_in_the_queue) {
  {
    Planted p;
    p.raw->remove(Family::queue, p.queue_key(p.plan.queue_head));
    p.expect_mended("threads, user \"anna\" thread \"plan\": its active run is not in the queue");
    CHECK_EQ(p.raw->keys(Family::queue).size(), 2u);
  }
  {
    Planted p;
    p.raw->remove(Family::runs, RawStore::run_key("anna", "plan", p.plan.active_run));
    p.expect_mended("its active run has no record in state running");
    CHECK_EQ(p.raw->keys(Family::queue).size(), 1u);  // the one that waits
  }
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.active_run = Uuid{}; });
    p.expect_mended("a run is active, but the thread does not know it");
    CHECK(p.raw->summary("anna", "plan").active_run == p.plan.active_run);
  }
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.active_run = Uuid{}; });
    p.raw->remove(Family::queue, p.queue_key(p.plan.queue_head));
    p.expect_mended("run " + p.plan.active_run.to_string() + ": is in state running, but not active");
  }
  {
    Planted p;
    p.raw->remove(Family::messages, RawStore::message_key("anna", "plan", p.plan.newest_order));
    Planted::check_found(look(p.raw->database()),
                         "run " + p.plan.active_run.to_string() + ": its question is missing [0]");
  }
}

TEST_CASE(a_queue_begins_at_its_head) {
  {
    Planted p;
    p.raw->change_summary("anna", "plan", [](auto& s) { s.queue_head += 1; });
    p.expect_mended("beginning of its queue: says");
    CHECK_EQ(p.raw->summary("anna", "plan").queue_head, p.plan.queue_head);
  }
  {
    Planted p;
    const std::string value = *p.raw->get(Family::queue, p.first_waiting());
    p.raw->put(Family::queue, p.queue_key(p.plan.queue_head - 1), value);
    const VerifyReport report = look(p.raw->database());
    Planted::check_found(report, "beginning of its queue: says");
    Planted::check_found(report, "its run is active, but another waits before it [0]");
  }
  {
    Planted p;
    p.raw->damage(Family::queue, p.first_waiting());
    p.expect_listed("thread \"plan\" position");
  }
}

TEST_CASE(every_row_of_every_family_is_looked_at) {
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i + 1);
    Planted p;
    p.raw->put(family, "\xff nonsense", "x");
    const VerifyReport report = look(p.raw->database());
    Planted::check_found(report, std::string(kFamilyNames[i]) + ", bytes ff206e6f6e73656e7365: key does not fit");
  }
  Planted p;
  std::string key;
  append_user_prefix(key, "anna");
  key.append("\x05theme");
  p.raw->put(Family::settings, key, "x");
  Planted::check_found(look(p.raw->database()), "settings, user \"anna\" name \"theme\": record is too short [0]");
}

TEST_CASE(a_gap_in_the_change_log_and_a_lost_end_are_found) {
  {
    Planted p;
    p.remove_change(5);
    p.expect_listed("changes, sequence 6: the entry before it is 4 [0]");
  }
  {
    Planted p;
    const size_t count = p.raw->keys(Family::changes).size();
    for (uint64_t sequence = 4; sequence <= count; ++sequence) p.remove_change(sequence);
    p.expect_listed("it was made by a change that the change log does not reach [0]");
  }
  {
    Planted p;
    std::string value;
    append_number_record(value, 1000);
    p.raw->put(Family::meta, "follower/search", value);
    p.expect_listed("meta, name follower/search: it is ahead of the change log [0]");
  }
  {
    Planted p;
    std::string key;
    append_change_key(key, 5);
    p.raw->damage(Family::changes, key);
    p.expect_listed("changes, sequence 5: record fails its checksum [0]");
  }
}

TEST_CASE(the_change_log_begins_where_it_says) {
  Planted p;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) p.remove_change(sequence);
  p.expect_mended("meta, name changes/first: says 1; the oldest change is 4");
  const std::string key(kFirstChangeKey);
  CHECK_EQ(CHECK_OK(decode_number(*p.raw->get(Family::meta, key))), 4u);
  p.raw->damage(Family::meta, key);
  p.expect_mended("meta, name changes/first: record fails its checksum; the oldest change is 4");
  p.raw.reset();
  p.f.open();
  CHECK(CHECK_OK(p.f.store->read_changes(2, 10, 1 << 20)).lost);
  CHECK_EQ(CHECK_OK(p.f.store->read_changes(3, 1, 1 << 20)).changes.size(), 1u);
}

TEST_CASE(each_change_has_its_event_in_one_feed) {
  const std::string words = "feed, user \"anna\" sequence 3: ";
  Planted p;
  const std::string key = Planted::feed_key("anna", 3);
  const std::string event = *p.raw->get(Family::feed, key);
  p.raw->remove(Family::feed, key);
  p.expect_mended(words + "is missing");
  CHECK_EQ(*p.raw->get(Family::feed, key), event);
  p.raw->damage(Family::feed, key);
  p.expect_mended(words + "is not what the change log says");
  CHECK_EQ(*p.raw->get(Family::feed, key), event);
  p.raw->put(Family::feed, key, *p.raw->get(Family::feed, Planted::feed_key("anna", 4)));
  p.expect_mended(words + "is not what the change log says");
  CHECK_EQ(*p.raw->get(Family::feed, key), event);
  p.raw->put(Family::feed, Planted::feed_key("anna", 1000), event);
  p.expect_mended("feed, user \"anna\" sequence 1000: its change is not in the change log");
  p.raw->put(Family::feed, Planted::feed_key("bert", 3), event);
  p.expect_mended("feed, user \"bert\" sequence 3: its change is another user's");
}

TEST_CASE(damage_in_the_run_log_is_told_from_a_torn_end) {
  Planted p;
  const std::string folder = p.f.directory.path() + "/data/runlog/";
  const auto write = [&](const std::string& bytes) {
    std::ofstream(folder + "00000000000000aa.log", std::ios::binary | std::ios::trunc) << bytes;
  };
  std::string segment;
  append_segment_head(segment, 0xaa, kStartUs);
  std::vector<size_t> ends{segment.size()};
  for (uint64_t id = 1; id <= 3; ++id) {
    append_frame(segment, {.kind = RunLogKind::token, .run_id = run_number(1), .event_id = id, .bytes = "some words"});
    ends.push_back(segment.size());
  }
  for (size_t bytes = 0; bytes <= segment.size(); ++bytes) {
    write(segment.substr(0, bytes));
    check_clean(look(p.raw->database()));
  }
  write(std::string(1000, '\0'));
  check_clean(look(p.raw->database()));
  const auto flipped = [&](size_t at) {
    std::string bytes = segment;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  write(flipped(segment.size() - 1));  // as a torn end could be
  check_clean(look(p.raw->database()));
  write(flipped(ends[2] - 1));
  p.expect_listed("00000000000000aa.log: a frame is damaged at byte " + std::to_string(ends[1]));
  write(flipped(3));
  p.expect_listed("00000000000000aa.log: its head is damaged");
  std::string other;
  append_segment_head(other, 0xbb, kStartUs);
  write(other);
  p.expect_listed("00000000000000aa.log: its head is that of another segment");
}

TEST_CASE(a_damaged_file_of_rocksdb_is_named) {
  Planted p;
  const std::string folder = p.f.directory.path() + "/data/db";
  rocksdb::FlushOptions flush;
  CHECK(p.raw->database().db().Flush(flush, p.raw->database().family(Family::messages)).ok());
  CHECK(look(p.raw->database()).files >= 1);
  p.raw.reset();
  std::string victim;
  uintmax_t largest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".sst" && entry.file_size() > largest) {
      victim = entry.path();
      largest = entry.file_size();
    }
  }
  std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20);
  file.write("damage", 6);
  file.close();
  const VerifyOutcome outcome = CHECK_OK(verify_directory(p.f.directory.path() + "/data", {}, no_watch));
  const std::string all = all_of(outcome.left);
  CHECK(all.find("files, ") == 0 && all.find(victim) != std::string::npos);
  CHECK(all.find("cannot be read") != std::string::npos);
}

TEST_CASE(only_so_many_problems_are_kept_and_all_are_counted) {
  Planted p;
  for (int i = 0; i < 50; ++i) p.raw->put(Family::settings, "\xff" + std::to_string(i), "x");
  VerifyOptions options;
  options.problems_max = 10;
  const VerifyReport report = CHECK_OK(verify(p.raw->database(), options, no_watch));
  CHECK_EQ(report.problems.size(), 10u);
  CHECK_EQ(report.problem_count, 50u);
}

TEST_CASE(a_look_changes_no_byte_and_needs_the_directory_for_itself) {
  Planted p;
  p.raw.reset();
  const std::string data = p.f.directory.path() + "/data";
  const auto listing = [&] {
    std::string text;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      text += path.string() + " " + std::to_string(std::filesystem::last_write_time(path).time_since_epoch().count()) +
              "\n";
    }
    return text;
  };
  const std::string before = listing();
  const VerifyOutcome outcome = CHECK_OK(verify_directory(data, {}, no_watch));
  check_clean(outcome.left);
  CHECK_EQ(outcome.left.threads, 4u);
  CHECK_EQ(outcome.left.users, 2u);
  CHECK_EQ(listing(), before);
  p.f.open();
  CHECK_FAILS(verify_directory(data, {}, no_watch), Code::busy);
  CHECK_FAILS(verify_directory(p.f.directory.path(), {}, no_watch), Code::not_found);
  CHECK_FAILS(verify_directory("/no/such/directory", {}, no_watch), Code::not_found);
}

TEST_CASE(a_cancelled_look_ends) {
  struct Impatient final : Watch {
    bool is_cancelled() noexcept override { return true; }
  } impatient;
  Planted p;
  CHECK(p.raw->database().db().Flush({}, p.raw->database().family(Family::messages)).ok());
  CHECK_FAILS(verify(p.raw->database(), {}, impatient), Code::cancelled);
}

namespace {

// Everything that a store can be told, by chance; and what has been seen of its erasures in every stage.
class Walk {
 public:
  explicit Walk(uint32_t seed) : random_(seed) {
    f_.options.keep_s = 3600;
    f_.options.changes_kept_max = 300;
    f_.reopen();
  }

  void go(int steps) {
    active_.clear();
    for (int i = 0; i < steps; ++i) step(i);
  }
  // A run that does not end keeps its segment, and so every erasure of this round in its second stage.
  void hold_the_run_log() {
    writer_ = f_.store->run_log().make_writer();
    writer_->append(run_number(4'000'000'000), 1, RunLogKind::token, "somebody else's words");
    CHECK_OK(writer_->flush());
  }
  bool keep_house() { return CHECK_OK(f_.store->keep_house()); }
  void keep_house_to_the_end() { ::keep_house_to_the_end(*f_.store); }
  // Clean, also with a repair, which changes nothing.
  void look_at_all() {
    writer_.reset();
    RawStore raw(f_);
    check_clean(look(raw.database()));
    check_clean(look(raw.database(), true));
    for (const std::string& key : raw.keys(Family::erasures)) {
      const ErasureRecord erasure = CHECK_OK(decode_erasure(*raw.get(Family::erasures, key)));
      ++(erasure.stage == ErasureRecord::Stage::rows ? seen_rows : seen_files);
    }
    trimmed |= raw.get(Family::meta, std::string(kFirstChangeKey)).has_value();
    left = raw.keys(Family::erasures).size();
  }
  void open() { f_.open(); }  // which ends what was active

  uint64_t seen_rows = 0;
  uint64_t seen_files = 0;
  uint64_t expired = 0;
  size_t left = 0;
  bool trimmed = false;

 private:
  size_t below(size_t bound) { return random_() % bound; }
  void submit(const std::string& user, const std::string& thread, int step) {
    Submit submit;
    submit.user = user;
    submit.thread = thread;
    submit.content = below(10) == 0 ? "  " : "message " + std::to_string(step);
    if (below(5) == 0) submit.keep_s = 1;
    const auto& known = ids_[{user, thread}];
    if (below(4) == 0 && !known.empty()) submit.parent = known[below(known.size())];
    if (below(12) == 0) submit.parent = Uuid{};
    const auto submitted = f_.submit(std::move(submit));
    if (submitted && submitted->run) active_.push_back(*submitted->run);
  }
  void finish() {
    const size_t at = below(active_.size());
    const StartedRun run = active_[at];
    active_.erase(active_.begin() + static_cast<long>(at));
    const Finished finished = below(5) == 0 ? f_.end_without_answer(run, RunOutcome::error, below(4) != 0)
                                            : f_.finish(run, below(8) == 0 ? "" : "answer", below(4) != 0);
    if (finished.applied) ids_[{run.user, run.thread}].push_back(run.user_message_id);
    if (finished.next) active_.push_back(*finished.next);
  }
  void step(int step) {
    const std::string user(1, static_cast<char>('a' + below(3)));
    const std::string thread = "t" + std::to_string(below(6));
    const size_t kind = below(1000);
    advance_us(static_cast<int64_t>(below(50)));
    if (kind < 480) {
      submit(user, thread, step);
    } else if (kind < 920) {
      if (!active_.empty()) finish();
    } else if (kind < 950) {
      CHECK_OK(f_.store->execute(StartNext{user, thread}));
    } else if (kind < 970) {
      static_cast<void>(f_.delete_thread(user, thread));  // of a thread that may not be there
    } else if (kind < 980) {
      CHECK_OK(f_.store->execute(DeleteUserThreads{user}));
    } else if (kind < 990) {
      const uint64_t last = f_.store->state().last_sequence;
      CHECK_OK(f_.store->execute(MoveFollower{"search", last - below(std::min<uint64_t>(last, 50) + 1)}));
    } else if (kind < 995) {
      advance_us(2'000'000);  // the short-lived ones have had their time
      const uint64_t before = f_.store->state().last_sequence;
      keep_house();
      expired += f_.store->state().last_sequence - before;
    } else {
      keep_house();
    }
  }

  std::mt19937 random_;
  Fixture f_;
  std::unique_ptr<RunLogWriter> writer_;
  std::map<std::pair<std::string, std::string>, std::vector<Uuid>> ids_;  // also of messages that are gone
  std::vector<StartedRun> active_;
};

}  // namespace

TEST_CASE(what_the_store_writes_is_clean_whatever_it_is_told) {
  const auto seed = std::getenv("BOBBIN_TEST_SEED") != nullptr
                        ? static_cast<uint32_t>(std::strtoul(std::getenv("BOBBIN_TEST_SEED"), nullptr, 10))
                        : std::random_device{}();
  std::printf("seed %u\n", seed);
  Walk walk(seed);
  for (int round = 0; round < 4; ++round) {
    if (round % 2 == 1) walk.hold_the_run_log();
    walk.go(600);
    if (round % 2 == 1) walk.keep_house();
    walk.look_at_all();
    walk.open();
  }
  CHECK(walk.seen_rows + walk.seen_files > 0);
  CHECK(walk.seen_files > 0);
  CHECK(walk.expired > 0);
  CHECK(walk.trimmed);
  walk.keep_house_to_the_end();
  walk.look_at_all();
  CHECK_EQ(walk.left, 0u);
}

TEST_CASE(keys_are_told_in_words) {
  std::string key;
  append_message_key(key, "anna", "a \"b\"\n", 42);
  CHECK_EQ(describe_key(Family::messages, key), "user \"anna\" thread \"a \\\"b\\\"\\n\" order 42");
  CHECK(fits_layout(Family::messages, key));
  CHECK(!fits_layout(Family::threads, key));
  CHECK_EQ(describe_key(Family::threads, key.substr(0, 3)), "bytes 04616e");
  CHECK_EQ(describe_key(Family::accounts, std::string("\0\x03x@y", 5)), "e-mail \"x@y\"");
  CHECK_EQ(describe_key(Family::accounts, "\x02id"), "account \"id\"");
  CHECK_EQ(describe_key(Family::meta, "format"), "name format");
}
