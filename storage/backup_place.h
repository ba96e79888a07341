#pragma once

#include <rocksdb/utilities/backup_engine.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/backup.h"
#include "storage/meter.h"

// A directory of backups on disk (storage/FORMAT.md, "Backups"). Internal to storage.
namespace bobbin::store {

// A file of a backup that RocksDB does not know of.
struct BackupFile {
  std::string name;  // `jwt-secret` or `runlog/` and a name without slash
  uint64_t bytes = 0;
  uint64_t hash = 0;  // XXH3-64

  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

// What makes a backup one: written last.
struct BackupManifest {
  uint32_t id = 0;
  int64_t created_us = 0;
  std::string store_id;  // RocksDB's identity of the store
  std::vector<BackupFile> files;
};
void append_backup_manifest(std::string& out, const BackupManifest& manifest);
// Errors: corrupt.
Result<BackupManifest> decode_backup_manifest(std::string_view bytes);

// The directory, locked against others for as long as this lives.
class BackupPlace {
 public:
  enum class Use : uint8_t { read, write };
  // `write` makes the directory where it is missing or empty. Errors: busy, io, not_found, invalid (it holds other
  // things).
  static Result<std::unique_ptr<BackupPlace>> open(const std::string& path, Use use);
  ~BackupPlace();
  BackupPlace(const BackupPlace&) = delete;
  BackupPlace& operator=(const BackupPlace&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // `bobbin/<id>`: what is ours of one backup.
  [[nodiscard]] std::string folder(uint32_t id) const;
  // The ids that have such a folder.
  [[nodiscard]] std::vector<uint32_t> folders() const;
  // nullopt: cut short. Errors: corrupt, io.
  Result<std::optional<BackupManifest>> read_manifest(uint32_t id) const;

  // RocksDB's side; `env` must outlive the engine. Errors: io, storage_full.
  [[nodiscard]] rocksdb::BackupEngineOptions engine_options(rocksdb::Env& env) const;

 private:
  explicit BackupPlace(std::string path) : path_(std::move(path)) {}
  std::string path_;
  int lock_fd_ = -1;
};

// One backup as both sides know it.
BackupEntry backup_entry(const rocksdb::BackupInfo& info, const std::optional<BackupManifest>& manifest);

// `status` of work on backups: logged, and told apart. Requires !status.ok().
Error backup_error(const rocksdb::IOStatus& status, const char* detail);

}  // namespace bobbin::store
