#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "storage/verify.h"
#include "tests/unit/storage/raw_store.h"

// A store with a few small threads, into which damage is planted, and what verify says of it.
namespace bobbin::store::test {

inline Watch no_watch;

inline VerifyReport look(Database& database, bool repair = false) {
  VerifyOptions options;
  options.repair = repair;
  return CHECK_OK(verify(database, options, no_watch));
}

inline std::string all_of(const VerifyReport& report) {
  std::string text;
  for (const Problem& problem : report.problems) {
    text += problem.family + ", " + problem.row + ": " + problem.what + " [" +
            std::to_string(static_cast<int>(problem.repair)) + "]\n";
  }
  return text;
}

// False means that RocksDB has not let go of a file yet: asked again, a bounded number of times.
inline void keep_house_to_the_end(Store& store) {
  bool is_done = false;
  for (int tries = 0; tries < 10 && !is_done; ++tries) is_done = CHECK_OK(store.keep_house());
  CHECK(is_done);
}

inline void check_clean(const VerifyReport& report) { CHECK_EQ(all_of(report), ""); }

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
    if (all_of(report).find(words) == std::string::npos) CHECK_EQ(all_of(report), words.c_str());
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

}  // namespace bobbin::store::test
