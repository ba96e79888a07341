#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "src/base/result.h"

// The file system under RocksDB, with a write-ahead log that survives a full disk. Internal to storage.
//
// RocksDB 7.8 cannot go on after its log has met a full disk: a half record stays in the log, where recovery would stop
// and pass over all that follows; DB::Resume() leaves the log's writer in a state in which it refuses every write (its
// issues 11643 and 12998), and a record that is whole but was answered with an error comes back after a crash in those
// families only that had nothing to flush. So RocksDB is not told. A write or sync of the log that finds no room
//
// 1. is cut off: the file ends again with the last byte that was synced, and that is synced; nothing but what was
//    acknowledged is in it, whatever happens next;
// 2. is answered with Busy, for which RocksDB fails the write and stops nothing;
// 3. closes the file: every further record gets the same answer, until Database::resume() has made RocksDB begin
//    another log.
//
// A log that cannot even be made, which RocksDB would never recover from, is closed from the beginning. A directory
// that cannot be synced for want of room is an I/O error: what was renamed or made cannot be relied on.
namespace bobbin::store {

// The errno behind `status`, found by its words at the end of RocksDB's text; 0 where there is none.
int32_t errno_of(const rocksdb::Status& status);

class LogGuard final : public rocksdb::FileSystemWrapper {
 public:
  // `base` null: the system's own.
  explicit LogGuard(const std::shared_ptr<rocksdb::FileSystem>& base)
      : FileSystemWrapper(base ? base : rocksdb::FileSystem::Default()) {}
  static const char* kClassName() { return "BobbinLogGuard"; }
  const char* Name() const override { return kClassName(); }

  // Whether the newest log was closed because of a full disk. Any thread.
  [[nodiscard]] bool log_is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;

 private:
  friend class GuardedLog;
  std::atomic<bool> closed_{false};
};

}  // namespace bobbin::store
