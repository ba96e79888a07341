// The list of threads: pages joined are the whole, no thread is lost or doubled, and what moves leaves nothing behind.
#include <algorithm>

#include "storage/database.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Strings = std::vector<std::string>;

ThreadSummary summary_of(Fixture& f, const std::string& thread) {
  return *CHECK_OK(f.store->find_thread("u", thread, Tier::any));
}

// Rows and deletions of the recency family in files, with everything in memory flushed. Closes the store.
struct InFiles {
  uint64_t rows = 0;
  uint64_t deletions = 0;
};
InFiles count_in_files(Fixture& f) {
  f.store.reset();
  const auto database = CHECK_OK(
      Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
  rocksdb::ColumnFamilyHandle* const recency = database->family(Family::recency);
  CHECK(database->db().Flush({}, recency).ok());
  rocksdb::TablePropertiesCollection files;
  CHECK(database->db().GetPropertiesOfAllTables(recency, &files).ok());
  InFiles sum;
  for (const auto& [name, file] : files) {
    sum.rows += file->num_entries;
    sum.deletions += file->num_deletions;
  }
  return sum;
}

// Everything down to the last level, as time would bring it.
void compact(Fixture& f) {
  f.store.reset();
  {
    const auto database = CHECK_OK(
        Database::open(f.directory.path() + "/data", {.block_cache_bytes = 1 << 20, .file_system = nullptr}, {}));
    CHECK(database->db().CompactRange({}, database->family(Family::recency), nullptr, nullptr).ok());
  }
  f.open();
}

}  // namespace

TEST_CASE(pages_of_sessions_join_to_the_whole_list) {
  Fixture f;
  Strings expected;
  for (int i = 0; i < 20; ++i) {
    const std::string thread = "t" + std::to_string(i * 37 % 20);
    f.turn("u", thread, "q", "a");
    expected.insert(expected.begin(), thread);
    advance_us(i % 3);
  }
  for (const uint32_t limit : {1u, 3u, 19u, 20u, 21u}) CHECK(f.sessions("u", limit) == expected);
  // Threads that are made or move to the top between pages neither double nor hide another one.
  Strings seen;
  std::optional<SessionsCursor> cursor;
  int made = 0;
  do {
    const auto page =
        CHECK_OK(f.store->list_sessions({.user = "u", .limit = 3, .bytes_max = 1 << 20, .cursor = cursor}, Tier::any));
    for (const ThreadSummary& summary : page.sessions) seen.push_back(summary.thread);
    cursor = page.next;
    f.turn("u", "new" + std::to_string(++made), "q", "a");
    f.turn("u", seen.front(), "again", "a");
  } while (cursor);
  CHECK(seen == expected);
}

TEST_CASE(the_recency_index_never_loses_or_doubles_a_thread) {
  Fixture f;
  const Strings threads{"a", "b", "c", "d"};
  Strings newest_first;
  for (int i = 0; i < 120; ++i) {
    const std::string& thread = threads[static_cast<size_t>(i * i + i / 3) % 4];
    if (i % 17 == 16 && std::find(newest_first.begin(), newest_first.end(), thread) != newest_first.end()) {
      CHECK_OK(f.delete_thread("u", thread));
      std::erase(newest_first, thread);
    } else {
      f.turn("u", thread, "q", "a");
      std::erase(newest_first, thread);
      newest_first.insert(newest_first.begin(), thread);
    }
    if (i % 11 == 0) f.reopen();
    if (i % 5 == 0) fake_wall_us -= 1'000'000;
    CHECK(f.sessions("u", 2) == newest_first);
  }
}

TEST_CASE(the_newest_thread_moves_with_each_activity) {
  Fixture f;
  f.turn("u", "t", "q", "a");
  const uint64_t stamp = summary_of(f, "t").recency_stamp;
  advance_us(1'000'000);
  f.turn("u", "t", "q2", "a2");
  CHECK(summary_of(f, "t").recency_stamp > stamp);
  CHECK((f.sessions("u") == Strings{"t"}));
}

TEST_CASE(moves_leave_next_to_nothing_for_scans_to_walk_over) {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.turn("u", "t" + std::to_string(i), "q", "a");
  for (int i = 0; i < 300; ++i) f.turn("u", "t" + std::to_string(i % 2), "q", "a");
  // 1220 moves. What is left: the rows, and pairs whose two halves are in different files.
  const InFiles left = count_in_files(f);
  CHECK(left.rows < 60);
  CHECK(left.deletions < 30);
}

TEST_CASE(a_row_that_was_overwritten_does_not_come_back) {
  Fixture f;
  const auto rewritten = [&] { return (summary_of(f, "t").flags & thread_flags::kRecencyRewritten) != 0; };
  // "t" is not the newest when its run ends without an answer: its row is overwritten where it is. The first value is
  // in a file by then, the second one in the buffer: where each is deleted by another deletion, the first could stay.
  const auto overwrite = [&] {
    f.submit("u", "t", "q");
    f.turn("u", "other", "q", "a");
    CHECK(!rewritten());
    compact(f);  // opens: the run is interrupted
    CHECK(rewritten());
    CHECK((f.sessions("u") == Strings{"other", "t"}));
  };
  overwrite();
  f.turn("u", "t", "q2", "a2");
  CHECK(!rewritten());
  compact(f);
  CHECK((f.sessions("u") == Strings{"t", "other"}));
  overwrite();
  CHECK_OK(f.delete_thread("u", "t"));
  compact(f);
  CHECK((f.sessions("u") == Strings{"other"}));
}
