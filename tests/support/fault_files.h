#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/support/fault_file_system.h"

// The open files of a FaultFileSystem: each asks it before the real file does anything. Of that layer alone.
namespace bobbin::test {

class FaultWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(FaultFileSystem& disk, std::string path, FaultFileSystem::FileRef state,
                    std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)), state_(std::move(state)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    return disk_.append(*target(), *state_, data, options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return disk_.append(*target(), *state_, data, options, debug);
  }
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const rocksdb::IOOptions&,
                                     rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("writing inside a file");
  }
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const rocksdb::IOOptions&,
                                     const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("writing inside a file");
  }
  rocksdb::IOStatus Truncate(uint64_t bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    return disk_.truncate(path_, *state_, bytes, [&] { return target()->Truncate(bytes, options, debug); });
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    if (auto alive = disk_.check_alive(); !alive.ok()) return alive;
    return target()->Flush(options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return disk_.sync(*state_); }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return disk_.sync(*state_); }
  rocksdb::IOStatus RangeSync(uint64_t offset, uint64_t bytes, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override {
    if (auto alive = disk_.check_alive(); !alive.ok()) return alive;
    return target()->RangeSync(offset, bytes, options, debug);
  }
  rocksdb::IOStatus Allocate(uint64_t offset, uint64_t bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    if (auto alive = disk_.check_alive(); !alive.ok()) return alive;
    return target()->Allocate(offset, bytes, options, debug);
  }

 private:
  FaultFileSystem& disk_;
  const std::string path_;
  const FaultFileSystem::FileRef state_;
};

class FaultSequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  FaultSequentialFile(FaultFileSystem& disk, std::unique_ptr<rocksdb::FSSequentialFile> file)
      : FSSequentialFileOwnerWrapper(std::move(file)), disk_(disk) {}
  rocksdb::IOStatus Read(size_t bytes, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) override {
    *result = rocksdb::Slice();
    if (auto judged = disk_.judge(FaultFileSystem::Op::read); !judged.ok()) return judged;
    return target()->Read(bytes, options, result, scratch, debug);
  }

 private:
  FaultFileSystem& disk_;
};

class FaultRandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultRandomAccessFile(FaultFileSystem& disk, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), disk_(disk) {}
  rocksdb::IOStatus Read(uint64_t offset, size_t bytes, const rocksdb::IOOptions& options, rocksdb::Slice* result,
                         char* scratch, rocksdb::IODebugContext* debug) const override {
    *result = rocksdb::Slice();
    if (auto judged = disk_.judge(FaultFileSystem::Op::read); !judged.ok()) return judged;
    bool shortened = false;
    {
      const std::lock_guard lock(disk_.mutex_);
      shortened = disk_.short_reads_;
    }
    auto status = target()->Read(offset, bytes, options, result, scratch, debug);
    if (shortened && status.ok()) *result = rocksdb::Slice(result->data(), result->size() / 2);
    return status;
  }
  rocksdb::IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override {
    // One by one, through Read().
    for (size_t i = 0; i < count; ++i) {
      rocksdb::FSReadRequest& one = requests[i];
      one.status = Read(one.offset, one.len, options, &one.result, one.scratch, debug);
    }
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus ReadAsync(rocksdb::FSReadRequest& request, const rocksdb::IOOptions& options,
                              std::function<void(const rocksdb::FSReadRequest&, void*)> callback, void* argument,
                              void**, rocksdb::IOHandleDeleter*, rocksdb::IODebugContext* debug) override {
    request.status = Read(request.offset, request.len, options, &request.result, request.scratch, debug);
    callback(request, argument);
    return rocksdb::IOStatus::OK();
  }

 private:
  FaultFileSystem& disk_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(FaultFileSystem& disk, std::string path, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), disk_(disk), path_(std::move(path)) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return disk_.sync_directory(path_);
  }
  // RocksDB names one new file here and a file system may sync no more than that; this one is strict the other way and
  // syncs the directory, as ext4 and xfs do.
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug,
                                        const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem& disk_;
  const std::string path_;
};

}  // namespace bobbin::test
