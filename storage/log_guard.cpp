#include "storage/log_guard.h"

#include <cerrno>
#include <cstring>

#include "src/base/log.h"

namespace bobbin::store {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// The quota of a user is full, for which RocksDB knows no name.
bool is_full(const IOStatus& status) { return status.IsNoSpace() || errno_of(status) == EDQUOT; }

// What RocksDB is told instead of a full disk.
IOStatus full() { return IOStatus::Busy("the log has no room"); }

// A log for which there was no room in the directory: it holds nothing, and takes nothing.
class MissingLog final : public rocksdb::FSWritableFile {
 public:
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice&, const IOOptions&, IODebugContext*) override { return full(); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  [[nodiscard]] bool IsSyncThreadSafe() const override { return true; }
};

class SyncedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  explicit SyncedDirectory(std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return judge(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& what) override {
    return judge(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what));
  }

 private:
  static IOStatus judge(IOStatus status) {
    if (status.ok() || !is_full(status)) return status;
    return IOStatus::IOError("a directory could not be synced", strerrordesc_np(ENOSPC));
  }
};

}  // namespace

// One log of RocksDB. Its one writer appends and syncs; a flush may sync it from another thread when nothing is
// appended to it any more.
class GuardedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GuardedLog(LogGuard& guard, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), guard_(guard) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (closed_) return full();
    IOStatus status = target()->Append(data, options, debug);
    if (!status.ok()) return cut_off(std::move(status), options, debug);
    appended_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const uint64_t bytes = appended_;
    if (closed_ || bytes == synced_) return IOStatus::OK();  // what is in it has been synced
    IOStatus status = target()->Sync(options, debug);
    if (!status.ok()) return cut_off(std::move(status), options, debug);
    synced_ = bytes;
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    if (closed_) return IOStatus::OK();
    IOStatus status = target()->Flush(options, debug);
    return status.ok() ? status : cut_off(std::move(status), options, debug);
  }

 private:
  // Gives `why` back unless it is a full disk.
  IOStatus cut_off(IOStatus why, const IOOptions& options, IODebugContext* debug) {
    if (!is_full(why)) return why;
    log::warn("no room for the log", {{"status", why.ToString()}});
    IOStatus status = target()->Truncate(synced_, options, debug);
    if (status.ok()) status = target()->Fsync(options, debug);
    if (!status.ok()) return IOStatus::IOError("the log could not be cut off", strerrordesc_np(EIO));
    appended_.store(synced_);
    closed_ = true;
    guard_.closed_.store(true, std::memory_order_relaxed);
    return full();
  }

  LogGuard& guard_;
  std::atomic<uint64_t> appended_{0};
  std::atomic<uint64_t> synced_{0};
  std::atomic<bool> closed_{false};
};

int32_t errno_of(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  for (int number = 1; number < 134; ++number) {
    const char* const words = strerrordesc_np(number);
    if (words != nullptr && text.ends_with(words)) return number;
  }
  return 0;
}

IOStatus LogGuard::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                   std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (!path.ends_with(".log")) return status;
  if (is_full(status)) {
    log::warn("no room for another log", {{"status", status.ToString()}});
    *file = std::make_unique<MissingLog>();
    closed_.store(true, std::memory_order_relaxed);
    return IOStatus::OK();
  }
  if (!status.ok()) return status;
  *file = std::make_unique<GuardedLog>(*this, std::move(*file));
  closed_.store(false, std::memory_order_relaxed);
  return status;
}

IOStatus LogGuard::NewDirectory(const std::string& path, const IOOptions& options,
                                std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(path, options, directory, debug);
  if (status.ok()) *directory = std::make_unique<SyncedDirectory>(std::move(*directory));
  return status;
}

}  // namespace bobbin::store
