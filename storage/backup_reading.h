#pragma once

#include "storage/backup_place.h"

namespace bobbin::store {

// A backup directory that is read: listed, verified, restored from. Internal to storage; one thread.
class BackupReading {
 public:
  // Errors: as BackupPlace::open().
  static Result<std::unique_ptr<BackupReading>> open(const std::string& from, Watch& watch);

  // Of all backups that RocksDB can read, oldest first.
  [[nodiscard]] const std::vector<rocksdb::BackupInfo>& infos() const noexcept { return infos_; }
  [[nodiscard]] rocksdb::BackupEngineReadOnly& engine() const noexcept { return *engine_; }
  [[nodiscard]] const BackupPlace& place() const noexcept { return *place_; }
  [[nodiscard]] Meter& meter() noexcept { return meter_; }

  [[nodiscard]] BackupEntry entry(const rocksdb::BackupInfo& info) const;
  // What is wrong with one backup, in words: its files are read and compared. nullopt: it is whole.
  // Errors: cancelled, io.
  Result<std::optional<std::string>> find_fault(const rocksdb::BackupInfo& info);
  // Reads one of our files, into `copy_to` unless that is empty, and compares it with the manifest.
  // Errors: corrupt, cancelled, io, storage_full.
  Result<void> read_file(uint32_t id, const BackupFile& file, const std::string& copy_to);

 private:
  explicit BackupReading(Watch& watch)
      : meter_(watch),
        env_(rocksdb::NewCompositeEnv(make_metered_file_system(rocksdb::FileSystem::Default(), meter_))) {}

  Meter meter_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<BackupPlace> place_;
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine_;
  std::vector<rocksdb::BackupInfo> infos_;
};

}  // namespace bobbin::store
