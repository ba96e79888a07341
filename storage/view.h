#pragma once

#include <rocksdb/perf_level.h>
#include <rocksdb/snapshot.h>

#include "storage/database.h"
#include "storage/rocksdb_options.h"
#include "storage/store.h"

namespace bobbin::store {

// One moment of the store for all reads of a query. It shows nothing that is not synced: the only writer syncs before
// it publishes. Internal to storage.
class View {
 public:
  View(const Database& database, Tier tier) : snapshot_(&database.db()), tier_(tier), options_(read_options()) {
    options_.snapshot = snapshot_.snapshot();
    // Counters that nobody reads: a tenth of a scan's instructions. The level belongs to the thread.
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    if (tier == Tier::memory_only) options_.read_tier = rocksdb::kBlockCacheTier;
  }
  [[nodiscard]] const rocksdb::ReadOptions& options() const { return options_; }

  // Before a scan: single rows may be read without the disk, rows in a row may not. Errors: would_block.
  [[nodiscard]] Result<void> allow_scan() const {
    if (tier_ == Tier::memory_only) return fail(Code::would_block, 0, "a scan may need the disk");
    return {};
  }

 private:
  rocksdb::ManagedSnapshot snapshot_;
  Tier tier_;
  rocksdb::ReadOptions options_;
};

}  // namespace bobbin::store
