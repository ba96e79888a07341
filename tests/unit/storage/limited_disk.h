#pragma once

#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace bobbin::store::test {

// What the run log's files are written to, with a budget: what goes beyond it is written as far as it fits and then
// refused. All other files are as ever.
struct LimitedDisk {
  std::atomic<int64_t> room{INT64_MAX};
  rocksdb::IOStatus write_error = rocksdb::IOStatus::NoSpace("full");
  bool syncs_fail = false;
  int directory_syncs = 0;

  void count_sync() {
    const std::lock_guard lock(mutex);
    ++syncs;
    synced.notify_all();
  }
  void wait_for_sync() {
    std::unique_lock lock(mutex);
    synced.wait(lock, [this] { return syncs > 0; });
  }
  std::mutex mutex;
  std::condition_variable synced;
  int syncs = 0;
};

class DiskFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  DiskFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, LimitedDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    const auto size = static_cast<int64_t>(data.size());
    const int64_t fits = std::min(size, disk_.room.load());
    disk_.room -= fits;
    const auto written = target()->Append({data.data(), static_cast<size_t>(fits)}, options, dbg);
    return written.ok() && fits < size ? disk_.write_error : written;
  }
  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    disk_.count_sync();
    if (disk_.syncs_fail) return rocksdb::IOStatus::NoSpace("noticed late");
    return target()->Sync(options, dbg);
  }

 private:
  LimitedDisk& disk_;
};

class DiskDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  DiskDirectory(std::unique_ptr<rocksdb::FSDirectory>&& directory, LimitedDisk& disk)
      : FSDirectoryWrapper(std::move(directory)), disk_(disk) {}
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg,
                                        const rocksdb::DirFsyncOptions& directory_options) override {
    ++disk_.directory_syncs;
    return FSDirectoryWrapper::FsyncWithDirOptions(options, dbg, directory_options);
  }

 private:
  LimitedDisk& disk_;
};

class LimitedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit LimitedFileSystem(LimitedDisk& disk) : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}
  const char* Name() const override { return "disk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override {
    auto status = target()->NewWritableFile(name, options, result, dbg);
    const bool is_limited = name.find("/runlog/") != std::string::npos;
    if (status.ok() && is_limited) *result = std::make_unique<DiskFile>(std::move(*result), disk_);
    return status;
  }
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext* dbg) override {
    auto status = target()->NewDirectory(name, options, result, dbg);
    if (status.ok() && name.ends_with("/runlog")) *result = std::make_unique<DiskDirectory>(std::move(*result), disk_);
    return status;
  }

 private:
  LimitedDisk& disk_;
};

inline std::shared_ptr<rocksdb::FileSystem> make_file_system(LimitedDisk& disk) {
  return std::make_shared<LimitedFileSystem>(disk);
}

}  // namespace bobbin::store::test
