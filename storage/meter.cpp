#include "storage/meter.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <vector>

#include "storage/database.h"

namespace bobbin::store {
namespace {

constexpr uint64_t kBytesBetweenReports = 128 * 1024;
constexpr size_t kCopyBytes = 256 * 1024;

rocksdb::IOStatus cancelled() { return rocksdb::IOStatus::Aborted("cancelled"); }

class MeteredWritable final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  MeteredWritable(std::unique_ptr<rocksdb::FSWritableFile>&& target, Meter& meter)
      : FSWritableFileOwnerWrapper(std::move(target)), meter_(meter) {}
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    if (!meter_.count_written(data.size())) return cancelled();
    return FSWritableFileOwnerWrapper::Append(data, options, dbg);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info, rocksdb::IODebugContext* dbg) override {
    if (!meter_.count_written(data.size())) return cancelled();
    return FSWritableFileOwnerWrapper::Append(data, options, info, dbg);
  }

 private:
  Meter& meter_;
};

class MeteredSequential final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  MeteredSequential(std::unique_ptr<rocksdb::FSSequentialFile>&& target, Meter& meter)
      : FSSequentialFileOwnerWrapper(std::move(target)), meter_(meter) {}
  rocksdb::IOStatus Read(size_t bytes, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* dbg) override {
    rocksdb::IOStatus status = FSSequentialFileOwnerWrapper::Read(bytes, options, result, scratch, dbg);
    if (status.ok() && !meter_.count_read(result->size())) return cancelled();
    return status;
  }

 private:
  Meter& meter_;
};

class MeteredFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  MeteredFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, Meter& meter)
      : FileSystemWrapper(target), meter_(meter) {}
  const char* Name() const override { return "bobbin.metered"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override {
    if (!meter_.step()) return cancelled();
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, dbg);
    if (status.ok()) *result = std::make_unique<MeteredWritable>(std::move(*result), meter_);
    return status;
  }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* dbg) override {
    if (!meter_.step()) return cancelled();
    rocksdb::IOStatus status = FileSystemWrapper::NewSequentialFile(name, options, result, dbg);
    if (status.ok()) *result = std::make_unique<MeteredSequential>(std::move(*result), meter_);
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override {
    if (!meter_.step()) return cancelled();
    return FileSystemWrapper::RenameFile(from, to, options, dbg);
  }
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override {
    static_cast<void>(meter_.step());  // what is in the way goes also when the work is not wanted any more
    return FileSystemWrapper::DeleteFile(name, options, dbg);
  }

 private:
  Meter& meter_;
};

// The other end of a copy; nothing where there is none.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : is_wanted_(!path.empty()),
        fd_(path.empty() ? -1 : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)),
        failed_(is_wanted_ && fd_ < 0 ? errno : 0) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_ >= 0) close(fd_);
  }
  void append(std::string_view bytes) {
    while (fd_ >= 0 && failed_ == 0 && !bytes.empty()) {
      const ssize_t count = write(fd_, bytes.data(), bytes.size());
      if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
      if (count < 0 && errno != EINTR) failed_ = errno;
    }
  }
  void sync() {
    if (fd_ >= 0 && failed_ == 0 && fsync(fd_) != 0) failed_ = errno;
  }
  [[nodiscard]] Result<void> status() const {
    if (failed_ == ENOSPC || failed_ == EDQUOT) return fail(Code::storage_full, failed_, "the disk is full");
    if (failed_ != 0) return fail(Code::io, failed_, "a copied file cannot be written");
    return {};
  }

 private:
  const bool is_wanted_;
  const int fd_;
  int failed_;
};

}  // namespace

void Meter::begin(const char* stage, uint64_t total) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
  total_ = total;
  done_ = told_at_ = 0;
  watch_.on_progress({stage_, 0, total_, "bytes"});
}

bool Meter::step() {
  const std::lock_guard lock(mutex_);
  if (!cancelled_) cancelled_ = watch_.is_cancelled();
  return !cancelled_;
}

bool Meter::count_read(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return count(bytes);
}

bool Meter::count_written(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  written_ += bytes;
  return count(bytes);
}

bool Meter::count(uint64_t bytes) {
  if (cancelled_) return false;
  done_ += bytes;
  if (done_ - told_at_ < kBytesBetweenReports && told_at_ != 0) return true;
  told_at_ = done_;
  cancelled_ = watch_.is_cancelled();
  watch_.on_progress({stage_, done_, total_, "bytes"});
  return !cancelled_;
}

uint64_t Meter::bytes_written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

bool Meter::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

std::shared_ptr<rocksdb::FileSystem> make_metered_file_system(const std::shared_ptr<rocksdb::FileSystem>& target,
                                                              Meter& meter) {
  return std::make_shared<MeteredFileSystem>(target, meter);
}

Result<CopiedFile> copy_file(rocksdb::FSSequentialFile& from, const std::string& to, Meter& meter) {
  NewFile file(to);
  TRY(file.status());
  CopiedFile copied;
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    rocksdb::Slice read;
    const rocksdb::IOStatus status = from.Read(buffer.size(), {}, &read, buffer.data(), nullptr);
    if (status.IsAborted()) return fail(Code::cancelled, 0, "cancelled");
    if (!status.ok()) return fail(from_rocksdb(status));
    if (read.empty()) break;
    const bool wanted = to.empty() ? meter.count_read(read.size()) : meter.count_written(read.size());
    if (!wanted) return fail(Code::cancelled, 0, "cancelled");
    file.append(to_view(read));
    TRY(file.status());
    XXH3_64bits_update(hash.get(), read.data(), read.size());
    copied.bytes += read.size();
  }
  file.sync();
  TRY(file.status());
  copied.hash = XXH3_64bits_digest(hash.get());
  return copied;
}

}  // namespace bobbin::store
