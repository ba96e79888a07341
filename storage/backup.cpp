#include "storage/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>

#include "src/base/clock.h"
#include "storage/backup_place.h"
#include "storage/database.h"
#include "storage/directory.h"

namespace bobbin::store {
namespace {

constexpr size_t kSecretBytesMax = 8 * 1024;
constexpr size_t kOfflineCacheBytes = 8 * 1024 * 1024;

// Inside the data directory a backup would die with what it is for, and copy itself the next time.
Result<void> check_is_outside(const std::string& directory, const std::string& to) {
  std::error_code error;
  const auto data = std::filesystem::weakly_canonical(directory, error);
  if (error) return fail(Code::io, error.value(), "the data directory cannot be looked at");
  const auto target = std::filesystem::weakly_canonical(to, error);
  if (error) return fail(Code::io, error.value(), "the backup directory cannot be looked at");
  const auto differs = std::mismatch(data.begin(), data.end(), target.begin(), target.end());
  if (differs.first == data.end()) return fail(Code::invalid, 0, "the backup directory lies in the data directory");
  return {};
}

class Backup {
 public:
  Backup(const Database& database, const BackupOptions& options, Watch& watch)
      : database_(database),
        options_(options),
        meter_(watch),
        env_(rocksdb::NewCompositeEnv(make_metered_file_system(rocksdb::FileSystem::Default(), meter_))) {}

  Result<BackupReport> run() {
    const int64_t began_us = steady_now_us();
    TRY(check_is_outside(database_.directory(), options_.to));
    if (options_.with_secret) {
      TRY(find_secret());
    }
    TRY_ASSIGN(place_, BackupPlace::open(options_.to, BackupPlace::Use::write));
    meter_.begin("copying", 0);
    TRY(open_engine());
    TRY(clear_what_was_cut_short());
    TRY(check_store_id());
    auto taken = take();
    if (!taken) {
      discard();
      return fail(taken.error());
    }
    BackupReport report;
    report.new_bytes = meter_.bytes_written();
    rocksdb::BackupInfo info;
    const rocksdb::Status found = engine_->GetBackupInfo(id_, &info);
    if (!found.ok()) return fail(from_rocksdb(found));
    report.backup = backup_entry(info, manifest_);
    if (options_.verify) {
      TRY(verify(report.backup.bytes));
      report.verified = true;
    }
    if (options_.keep > 0) {
      TRY_ASSIGN(report.removed, remove_old());
    }
    report.duration_us = steady_now_us() - began_us;
    return report;
  }

 private:
  Result<void> find_secret() {
    auto secret = read_small_file(database_.directory() + "/" + kSecretName, kSecretBytesMax);
    if (!secret && secret.error().code == Code::not_found) {
      return fail(Code::not_found, 0, "the data directory has no jwt-secret to take along");
    }
    if (!secret) return fail(secret.error());
    secret_ = std::move(*secret);
    return {};
  }

  Result<void> open_engine() {
    rocksdb::BackupEngine* engine = nullptr;
    const rocksdb::IOStatus status =
        rocksdb::BackupEngine::Open(place_->engine_options(*env_), database_.env(), &engine);
    if (!status.ok()) return fail(backup_error(status, "the backup directory cannot be used"));
    engine_.reset(engine);
    return {};
  }

  // What a killed backup has left: RocksDB's side without a manifest, or our side alone.
  Result<void> clear_what_was_cut_short() {
    std::vector<rocksdb::BackupInfo> known;
    engine_->GetBackupInfo(&known);
    std::vector<uint32_t> whole;
    for (const rocksdb::BackupInfo& info : known) {
      const auto manifest = place_->read_manifest(info.backup_id);
      if (!manifest || manifest->has_value()) {  // a damaged one is for people to look at
        whole.push_back(info.backup_id);
        continue;
      }
      const rocksdb::IOStatus status = engine_->DeleteBackup(info.backup_id);
      if (!status.ok()) return fail(backup_error(status, "what is left of an unfinished backup cannot be removed"));
    }
    std::vector<rocksdb::BackupID> damaged;
    engine_->GetCorruptedBackups(&damaged);
    whole.insert(whole.end(), damaged.begin(), damaged.end());
    for (const uint32_t id : place_->folders()) {
      if (std::find(whole.begin(), whole.end(), id) == whole.end()) TRY(remove_folder(id));
    }
    return {};
  }

  // Two stores in one directory would let the one's `keep` remove the other's backups.
  Result<void> check_store_id() {
    const rocksdb::Status status = database_.db().GetDbIdentity(store_id_);
    if (!status.ok()) return fail(from_rocksdb(status));
    rocksdb::BackupInfo newest;
    if (!engine_->GetLatestBackupInfo(&newest).ok()) return {};  // there is none
    if (newest.app_metadata == store_id_) return {};
    return fail(Code::invalid, 0, "the backup directory holds backups of another store; use one for each store");
  }

  // The run log is copied after RocksDB's files. So it is at least as new as they are: for each run that they call
  // active it has every token up to that moment, and what it has beyond that is what a process killed a moment later
  // would have left, which is what recovery is for. The other way round tokens that clients have seen would be missing.
  // A segment that goes in between is still there, as it was opened before.
  Result<void> take() {
    TRY(hold_segments());
    const rocksdb::IOStatus status =
        engine_->CreateNewBackupWithMetadata(rocksdb::CreateBackupOptions(), &database_.db(), store_id_, &id_);
    if (!status.ok()) return fail(backup_error(status, "the backup cannot be written"));
    TRY(hold_segments());  // those that were begun since
    manifest_ = BackupManifest{.id = id_, .created_us = wall_now_us(), .store_id = store_id_, .files = {}};
    const std::string folder = place_->folder(id_);
    TRY(make_directory(folder, "the backup directory cannot be written"));
    TRY(make_directory(folder + "/" + kRunLogName, "the backup directory cannot be written"));
    for (const auto& [name, file] : segments_) {
      BackupFile copy{.name = std::string(kRunLogName) + "/" + name};
      TRY_ASSIGN(const CopiedFile copied, copy_file(*file, folder + "/" + copy.name, meter_));
      copy.bytes = copied.bytes;
      copy.hash = copied.hash;
      manifest_->files.push_back(std::move(copy));
    }
    if (options_.with_secret) TRY(put_secret(folder));
    return seal(folder);
  }

  Result<void> hold_segments() {
    const std::string folder = database_.directory() + "/" + kRunLogName;
    const auto& files = database_.env()->GetFileSystem();
    std::vector<std::string> names;
    const rocksdb::IOStatus listed = files->GetChildren(folder, {}, &names, nullptr);
    if (listed.IsNotFound() || listed.IsPathNotFound()) return {};
    if (!listed.ok()) return fail(backup_error(listed, "the run log cannot be read"));
    for (const std::string& name : names) {
      if (name == "." || name == ".." || segments_.contains(name)) continue;
      std::string path = folder;
      path.append("/").append(name);
      std::unique_ptr<rocksdb::FSSequentialFile> file;
      const rocksdb::IOStatus opened = files->NewSequentialFile(path, {}, &file, nullptr);
      if (opened.IsNotFound() || opened.IsPathNotFound()) continue;  // it went, as nothing needed it
      if (!opened.ok()) return fail(backup_error(opened, "the run log cannot be read"));
      segments_.emplace(name, std::move(file));
    }
    return {};
  }

  Result<void> put_secret(const std::string& folder) {
    const std::string path = folder + "/" + kSecretName;
    TRY(write_private_file(path, secret_));
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    const rocksdb::IOStatus opened = rocksdb::FileSystem::Default()->NewSequentialFile(path, {}, &file, nullptr);
    if (!opened.ok()) return fail(backup_error(opened, "the backup cannot be read"));
    TRY_ASSIGN(const CopiedFile read, copy_file(*file, "", meter_));
    manifest_->files.push_back({kSecretName, read.bytes, read.hash});
    return {};
  }

  // From the rename on it is a backup.
  Result<void> seal(const std::string& folder) {
    std::string bytes;
    append_backup_manifest(bytes, *manifest_);
    const std::string draft = folder + "/manifest.draft";
    if (!meter_.step()) return fail(Code::cancelled, 0, "cancelled");
    TRY(write_private_file(draft, bytes));
    if (!meter_.step()) return fail(Code::cancelled, 0, "cancelled");
    TRY(sync_directory(folder + "/" + kRunLogName));
    if (rename(draft.c_str(), (folder + "/manifest").c_str()) != 0) {
      return fail(Code::io, errno, "the backup's manifest cannot be written");
    }
    TRY(sync_directory(folder));
    return sync_directory(std::filesystem::path(folder).parent_path());
  }

  // After a failure: best effort, as the next backup does the same.
  void discard() {
    if (id_ == 0) return;
    static_cast<void>(remove_folder(id_));
    static_cast<void>(engine_->DeleteBackup(id_));
  }

  Result<void> verify(uint64_t bytes) {
    meter_.begin("verifying", bytes);
    const rocksdb::IOStatus status = engine_->VerifyBackup(id_, true);
    if (!status.ok()) return fail(backup_error(status, "the new backup fails its checksums"));
    return {};
  }

  Result<std::vector<uint32_t>> remove_old() {
    std::vector<uint32_t> removed;
    const rocksdb::IOStatus status = engine_->PurgeOldBackups(options_.keep);
    if (!status.ok()) return fail(backup_error(status, "old backups cannot be removed"));
    std::vector<rocksdb::BackupInfo> left;
    engine_->GetBackupInfo(&left);
    for (const uint32_t id : place_->folders()) {
      const auto is_it = [&](const rocksdb::BackupInfo& info) { return info.backup_id == id; };
      if (std::any_of(left.begin(), left.end(), is_it) || id == id_) continue;
      TRY(remove_folder(id));
      removed.push_back(id);
    }
    return removed;
  }

  Result<void> remove_folder(uint32_t id) {
    const std::string folder = place_->folder(id);
    // Without its manifest it is no backup, whatever else of it goes first.
    unlink((folder + "/manifest").c_str());
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return fail(Code::io, error.value(), "an old backup cannot be removed");
    return {};
  }

  const Database& database_;
  const BackupOptions& options_;
  Meter meter_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<BackupPlace> place_;
  std::unique_ptr<rocksdb::BackupEngine> engine_;  // before what it uses goes
  std::string store_id_;
  std::string secret_;
  std::map<std::string, std::unique_ptr<rocksdb::FSSequentialFile>> segments_;
  rocksdb::BackupID id_ = 0;
  std::optional<BackupManifest> manifest_;
};

}  // namespace

Result<BackupReport> create_backup(const Database& database, const BackupOptions& options, Watch& watch) {
  return Backup(database, options, watch).run();
}

Result<BackupReport> backup_directory(const std::string& directory, const BackupOptions& options, Watch& watch) {
  TRY_ASSIGN(const auto database,
             Database::open_existing(directory, Database::Access::write, {kOfflineCacheBytes, nullptr}));
  return create_backup(*database, options, watch);
}

}  // namespace bobbin::store
