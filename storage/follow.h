#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/base/result.h"
#include "storage/types.h"

// Following the store: the change log for all, the feed for one user, and the snapshot to begin from.
//
// How a follower (search index, replica) stays equal to the store, whatever ends in between:
//
//   1. position = Store::state().last_sequence, noted durably (MoveFollower, or at the follower's own target);
//   2. read_snapshot() piece by piece to its end, each piece applied; a restart goes on from the last piece's cursor;
//   3. read_changes(after = position): for each change apply what the rows of its keys hold *now* (read_row), or what
//      its deletion says; then move the position on. For ever.
//
// A piece of the snapshot shows the store of its own moment, so pieces may disagree; step 3 from the position of step 1
// repairs that, since every row that changed after it is named again. Nothing is pinned between two calls.
// A message never changes, a summary does; an incarnation that is not the thread's is of a dead thread.
namespace bobbin::store {

struct ChangeEntry {
  uint64_t sequence = 0;
  ChangeOperation operation = ChangeOperation::run_started;
  int64_t at_us = 0;
  std::string user;
  std::string thread;  // empty: all of the user's
  uint64_t incarnation = 0;
  Uuid run_id;                   // zero: none
  std::vector<ChangedKey> keys;  // none for deletions
};

// Changes after a position, in commit order, without gaps.
struct ChangesPage {
  // The entries right after the position are no longer kept (FORMAT.md, "Changes kept"), or the position is beyond the
  // newest change (of another store, or of this one before it was restored): begin again from a snapshot.
  bool lost = false;
  std::vector<ChangeEntry> changes;  // empty: nothing new
  uint64_t last_sequence = 0;        // of the whole log, at this moment
};

struct FeedEvent {
  uint64_t sequence = 0;
  ChangeOperation operation = ChangeOperation::run_started;
  int64_t at_us = 0;
  std::string thread;  // empty: all of the user's
  uint64_t incarnation = 0;
  Uuid run_id;  // zero: none
};

struct FeedPage {
  bool lost = false;  // as in ChangesPage
  std::vector<FeedEvent> events;
  uint64_t last_sequence = 0;
};

// A row as followers see it.
struct FollowedRow {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;
  std::variant<ThreadSummary, Message> row;
};

// Where the next piece of a snapshot begins; plain values, to be kept wherever the follower keeps its own state.
struct SnapshotCursor {
  std::string user;
  std::string thread;
  uint64_t order = 0;  // the last message of `thread` that was given; 0: only its summary was
  friend bool operator==(const SnapshotCursor&, const SnapshotCursor&) = default;
};

// Threads in key order: each with its summary, then its messages of all branches, newest first.
struct SnapshotPiece {
  std::vector<FollowedRow> rows;
  std::optional<SnapshotCursor> next;  // absent: that was all
};

}  // namespace bobbin::store
