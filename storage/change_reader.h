#pragma once

#include <optional>
#include <string>

#include "storage/database.h"
#include "storage/follow.h"

namespace bobbin::store {

// The queries of storage/follow.h; store.h says what each gives. Thread-safe: it holds nothing but the database.
// Internal to storage.
class ChangeReader {
 public:
  explicit ChangeReader(const Database& database) : database_(database) {}

  Result<ChangesPage> read_changes(uint64_t after, uint32_t limit, size_t bytes_max) const;
  Result<FeedPage> read_feed(const std::string& user, uint64_t after, uint32_t limit) const;
  Result<std::optional<uint64_t>> follower_position(const std::string& name) const;
  Result<std::optional<FollowedRow>> read_row(const ChangedKey& key) const;
  Result<SnapshotPiece> read_snapshot(const std::optional<SnapshotCursor>& cursor, size_t bytes_max) const;

  // The oldest change that is kept; 1 while none has been trimmed.
  Result<uint64_t> first_kept(const rocksdb::ReadOptions& options) const;

 private:
  struct Kept {
    uint64_t first = 1;
    uint64_t last = 0;
    [[nodiscard]] bool has_lost(uint64_t after) const { return after + 1 < first || after > last; }
  };
  Result<Kept> kept(const rocksdb::ReadOptions& options) const;
  Result<void> read_messages(const rocksdb::ReadOptions& options, const std::string& user, const ThreadSummary& summary,
                             uint64_t before, size_t bytes_max, size_t& bytes, SnapshotPiece& piece) const;

  const Database& database_;
};

}  // namespace bobbin::store
