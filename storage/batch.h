#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.h"
#include "storage/records.h"

// What one group of commands will write. Internal to storage; the writer's thread only.
namespace bobbin::store {

class Batch {
 public:
  // `last_sequence`: of the change log as it is on disk.
  Batch(const Database& database, uint64_t last_sequence) : database_(database), last_sequence_(last_sequence) {}

  void put(Family family, std::string_view key, std::string_view value);
  void remove(Family family, std::string_view key);
  // Only for a row that was put exactly once: row and deletion vanish together where they meet, at the latest when the
  // buffer is flushed or two files are merged. A plain deletion stays until it reaches the last level. On a row that
  // was put twice the older value would come back.
  void remove_put_once(Family family, std::string_view key);

  // The sequence that the next change entry gets.
  [[nodiscard]] uint64_t next_sequence() const noexcept { return last_sequence_ + 1; }
  [[nodiscard]] uint64_t last_sequence() const noexcept { return last_sequence_; }
  [[nodiscard]] bool empty() const { return batch_.Count() == 0; }
  [[nodiscard]] size_t bytes() const { return batch_.GetDataSize(); }

  // The change entries in it, in order.
  [[nodiscard]] const std::vector<CommittedChange>& changes() const noexcept { return changes_; }

  [[nodiscard]] rocksdb::WriteBatch& rocksdb_batch() noexcept { return batch_; }
  // After it was written.
  void clear() {
    batch_.Clear();
    changes_.clear();
  }
  // It was not written: the change log still ends with `last_sequence`.
  void drop(uint64_t last_sequence) {
    clear();
    last_sequence_ = last_sequence;
  }

 private:
  friend class Change;
  const Database& database_;
  rocksdb::WriteBatch batch_;
  std::vector<CommittedChange> changes_;
  uint64_t last_sequence_;
};

// One entry of the change log, and its event in the user's feed: writes through it are also listed in it. seal() ends
// it.
class Change {
 public:
  Change(Batch& batch, ChangeOperation operation, std::string_view user, std::string_view thread, int64_t at_us);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  void put(Family family, std::string key, std::string_view value);
  void remove(Family family, std::string key);
  // Appends entry and event to the batch. `run_id`: the run that the change is about; zero for none.
  void seal(uint64_t incarnation, const Uuid& run_id);

 private:
  Batch& batch_;
  ChangeRecord record_;
};

}  // namespace bobbin::store
