#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "src/base/clock.h"
#include "storage/backup_reading.h"
#include "storage/directory.h"

// From a backup to a data directory.
namespace bobbin::store {
namespace {

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

// Nothing that anybody would miss: what every new file system has, and our own lock.
Result<bool> is_empty(const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename();
    if (name != "lost+found" && name != kLockName) return false;
  }
  if (error) return fail(Code::io, error.value(), "the data directory cannot be read");
  return true;
}

// A path without a slash at its end, from the root.
Result<std::string> absolute(const std::string& path) {
  std::error_code error;
  auto whole = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return fail(Code::io, error.value(), "the data directory cannot be found");
  if (!whole.has_filename()) whole = whole.parent_path();
  return whole.string();
}

// `20261125T045712Z`.
std::string time_for_names() {
  std::string text;
  append_rfc3339(text, wall_now_us());
  text.resize(sizeof "2026-11-25T04:57:12" - 1);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

class Lock {
 public:
  explicit Lock(int fd) : fd_(fd) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  const int fd_;
};

class Restore {
 public:
  Restore(const RestoreOptions& options, Watch& watch) : options_(options), watch_(watch) {}

  Result<RestoreReport> run() {
    TRY_ASSIGN(data_, absolute(options_.data));
    TRY_ASSIGN(reading_, BackupReading::open(options_.from, watch_));
    TRY(choose());
    TRY_ASSIGN(const bool must_move, look_at_target());
    RestoreReport report;
    report.backup = reading_->entry(info_);
    reading_->meter().begin("verifying", report.backup.bytes);
    TRY_ASSIGN(const auto fault, reading_->find_fault(info_));
    if (fault) return fail(Code::corrupt, 0, "the backup is damaged (bobbin verify --backup says where)");
    if (must_move) {
      TRY_ASSIGN(report.moved_aside, move_aside());
    }
    reading_->meter().begin("restoring", report.backup.bytes);
    TRY_ASSIGN(const int fd, lock_directory(data_));
    const Lock lock(fd);
    TRY(mark());
    TRY(clear());
    TRY(copy());
    TRY(finish());
    return report;
  }

 private:
  // The backup asked for, or the newest that is whole.
  Result<void> choose() {
    for (auto it = reading_->infos().rbegin(); it != reading_->infos().rend(); ++it) {
      if (options_.id != 0 && it->backup_id != options_.id) continue;
      auto manifest = reading_->place().read_manifest(it->backup_id);
      if (!manifest) return fail(manifest.error());
      if (!*manifest && options_.id == 0) continue;
      if (!*manifest) return fail(Code::invalid, 0, "this backup was cut short and cannot be restored");
      info_ = *it;
      manifest_ = std::move(**manifest);
      return {};
    }
    return fail(Code::not_found, 0,
                options_.id == 0 ? "there is no whole backup in this directory" : "there is no backup of this number");
  }

  // Whether what is there has to be moved away first.
  Result<bool> look_at_target() {
    if (!exists(data_)) return false;
    if (exists(marker())) return false;
    TRY_ASSIGN(const bool empty, is_empty(data_));
    if (empty) return false;
    if (options_.force) return true;
    return fail(Code::invalid, 0,
                "the data directory is not empty; with --force it is moved aside, and nothing in it deleted");
  }

  Result<std::string> move_aside() {
    // A server that has it open would go on writing there.
    const auto held = lock_existing_directory(data_);
    if (!held && held.error().code == Code::busy) return fail(held.error());
    const Lock lock(held ? *held : -1);
    const std::string name = data_ + ".before-restore-" + time_for_names();
    std::string to = name;
    for (int more = 2; exists(to); ++more) to = name + "-" + std::to_string(more);  // two in one second
    if (rename(data_.c_str(), to.c_str()) != 0) {
      return fail(Code::io, errno, "the data directory cannot be moved aside");
    }
    TRY(sync_directory(std::filesystem::path(data_).parent_path()));
    return to;
  }

  [[nodiscard]] std::string marker() const { return data_ + "/" + kRestoreMarkerName; }

  Result<void> mark() {
    TRY(write_private_file(marker(), "bobbin restore of backup " + std::to_string(info_.backup_id) + " from " +
                                         options_.from + " has not finished.\n"));
    TRY(sync_directory(data_));
    return sync_directory(std::filesystem::path(data_).parent_path());
  }

  // What an unfinished restore has left.
  Result<void> clear() {
    for (const char* name : {kDatabaseName, kRunLogName, kSecretName}) {
      std::error_code error;
      std::filesystem::remove_all(data_ + "/" + name, error);
      if (error) return fail(Code::io, error.value(), "what an unfinished restore has left cannot be removed");
    }
    return {};
  }

  Result<void> copy() {
    const std::string database = data_ + "/" + kDatabaseName;
    if (!reading_->meter().step()) return fail(Code::cancelled, 0, "cancelled");
    TRY(make_directory(database, "the data directory cannot be written"));
    TRY(make_directory(data_ + "/" + kRunLogName, "the data directory cannot be written"));
    const rocksdb::IOStatus status =
        reading_->engine().RestoreDBFromBackup(rocksdb::RestoreOptions(), info_.backup_id, database, database);
    if (reading_->meter().is_cancelled()) return fail(Code::cancelled, 0, "cancelled");
    if (!status.ok()) return fail(backup_error(status, "the backup cannot be copied back"));
    for (const BackupFile& file : manifest_.files) {
      TRY(reading_->read_file(info_.backup_id, file, data_ + "/" + file.name));
    }
    // Its identity is not among RocksDB's copies: with it the restored store goes on in the same backup directory.
    return write_private_file(database + "/IDENTITY", manifest_.store_id);
  }

  // All of it is on disk before the marker goes.
  Result<void> finish() {
    if (!reading_->meter().step()) return fail(Code::cancelled, 0, "cancelled");
    TRY(sync_tree(data_));
    if (unlink(marker().c_str()) != 0)
      return fail(Code::io, errno, "the mark of an unfinished restore cannot be removed");
    return sync_directory(data_);
  }

  const RestoreOptions& options_;
  Watch& watch_;
  std::string data_;
  std::unique_ptr<BackupReading> reading_;
  rocksdb::BackupInfo info_;
  BackupManifest manifest_;
};

}  // namespace

Result<RestoreReport> restore_backup(const RestoreOptions& options, Watch& watch) {
  return Restore(options, watch).run();
}

}  // namespace bobbin::store
