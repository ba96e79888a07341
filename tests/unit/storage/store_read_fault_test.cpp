// Reads that fail or come back short are errors, never a shorter answer. Every n-th read of a query fails, until the
// query is not reached by its fault; what a query gives is all or an error.
//
// RocksDB 7.8 can lose the status of a lower level of a family that has seen a range delete, so the same is tried with
// deletes above merged files.
#include <cstdio>

#include "tests/unit/storage/store_model.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;
using Op = FaultFileSystem::Op;

namespace {

constexpr int kThreads = 24;
constexpr int kOpenings = 6;
constexpr int kTurns = 2 * kOpenings;

// Threads with long messages in several files, of which some were deleted when `with_deletes`.
struct Stored {
  Fixture f{Fixture::Opened::later};

  explicit Stored(bool with_deletes) {
    f.options.block_cache_bytes = 64 * 1024;  // next to nothing stays in memory
    f.use_new_disk();
    for (int opening = 0; opening < kOpenings; ++opening) {  // each leaves a file of every family, and four are merged
      f.open();
      for (int thread = 0; thread < kThreads; ++thread) {
        for (int turn = 0; turn < kTurns / kOpenings; ++turn) {
          f.turn("u", name(thread), std::string(3000, static_cast<char>('a' + thread)), "answer");
        }
        if (with_deletes && opening == kOpenings - 1) {
          f.turn("u", "d" + name(thread), "q", "a");
          CHECK_OK(f.delete_thread("u", "d" + name(thread)));
        }
      }
      f.store.reset();
    }
    reopen();
  }
  void reopen() {
    f.store.reset();
    f.use_new_disk();
    f.open();
  }
  static std::string name(int thread) { return "t" + std::to_string(thread); }
};

template <class Query>
void check_whole_or_error(Stored& stored, const char* what, Query query) {
  uint64_t reached = 0;
  for (uint64_t nth = 1;; ++nth) {
    stored.reopen();  // tables are closed and caches empty, so the same reads come again
    stored.f.disk->fail(Op::read, nth, FaultFileSystem::Fault::io, FaultFileSystem::Times::once);
    const bool is_whole = query(*stored.f.store);
    if (!stored.f.disk->fault_was_reached()) {
      CHECK(is_whole);
      break;
    }
    ++reached;
  }
  std::printf("%s: %llu reads\n", what, static_cast<unsigned long long>(reached));
  CHECK(reached > 0);
}

// True: all rows; false: an error. Else the check fails.
bool history_is_whole(Store& store) {
  const auto page = store.read_history(
      {.user = "u", .thread = "t7", .limit = 100, .bytes_max = size_t{16} << 20, .cursor = std::nullopt}, Tier::any);
  if (!page) {
    CHECK(page.error().code == Code::io || page.error().code == Code::corrupt);
    return false;
  }
  CHECK_EQ(page->messages.size(), size_t{2 * kTurns});
  CHECK(!page->next);
  return true;
}

bool sessions_are_whole(Store& store) {
  const auto page = store.list_sessions(
      {.user = "u", .limit = 100, .bytes_max = size_t{16} << 20, .cursor = std::nullopt}, Tier::any);
  if (!page) {
    CHECK(page.error().code == Code::io || page.error().code == Code::corrupt);
    return false;
  }
  CHECK_EQ(page->sessions.size(), size_t{kThreads});
  return true;
}

bool thread_is_found(Store& store) {
  const auto thread = store.find_thread("u", "t7", Tier::any);
  if (!thread) return false;
  CHECK(thread->has_value());
  return true;
}

void check_short_reads(Stored& stored) {
  stored.reopen();
  stored.f.disk->set_short_reads(true);
  CHECK(!history_is_whole(*stored.f.store));
  CHECK(!sessions_are_whole(*stored.f.store));
  CHECK(!thread_is_found(*stored.f.store));
}

}  // namespace

TEST_CASE(a_query_whose_reads_fail_is_an_error_or_whole) {
  Stored stored(false);
  check_whole_or_error(stored, "history", history_is_whole);
  check_whole_or_error(stored, "sessions", sessions_are_whole);
  check_whole_or_error(stored, "thread", thread_is_found);
}

TEST_CASE(a_query_whose_reads_are_short_is_an_error) {
  Stored stored(false);
  check_short_reads(stored);
}

TEST_CASE(a_query_whose_reads_fail_is_an_error_or_whole_after_deletes) {
  Stored stored(true);
  check_whole_or_error(stored, "history", history_is_whole);
  check_whole_or_error(stored, "sessions", sessions_are_whole);
  check_whole_or_error(stored, "thread", thread_is_found);
  check_short_reads(stored);
}
