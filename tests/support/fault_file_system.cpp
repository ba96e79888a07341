#include "tests/support/fault_file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/fault_files.h"

namespace bobbin::test {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

std::string normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}
std::string parent_of(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

IOStatus status_of(FaultFileSystem::Fault fault) {
  if (fault == FaultFileSystem::Fault::no_space) return IOStatus::NoSpace("planned: No space left on device");
  return IOStatus::IOError("planned: Input/output error");
}

uint64_t size_of(const std::string& path) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path, missing);
  return missing ? 0 : bytes;
}

class NoLock final : public rocksdb::FileLock {};

}  // namespace

FaultFileSystem::FaultFileSystem(std::string shadow_directory)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), shadow_directory_(std::move(shadow_directory)) {
  std::filesystem::remove_all(shadow_directory_);
  std::filesystem::create_directories(shadow_directory_);
}

FaultFileSystem::~FaultFileSystem() { release_syncs(); }

void FaultFileSystem::fail(Op op, uint64_t nth, Fault fault, Times times) {
  const std::lock_guard lock(mutex_);
  plan_ = Plan{op, counts_[static_cast<size_t>(op)] + nth, fault, times};
  reached_ = false;
}

void FaultFileSystem::heal() {
  const std::lock_guard lock(mutex_);
  plan_.reset();
}

bool FaultFileSystem::fault_was_reached() const {
  const std::lock_guard lock(mutex_);
  return reached_;
}

uint64_t FaultFileSystem::count(Op op) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<size_t>(op)];
}

void FaultFileSystem::set_short_reads(bool on) {
  const std::lock_guard lock(mutex_);
  short_reads_ = on;
}

void FaultFileSystem::set_room(std::optional<uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  room_ = bytes;
}

std::optional<uint64_t> FaultFileSystem::room() const {
  const std::lock_guard lock(mutex_);
  return room_;
}

void FaultFileSystem::set_lying_syncs(bool on) {
  const std::lock_guard lock(mutex_);
  lying_syncs_ = on;
}

void FaultFileSystem::hold_syncs() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FaultFileSystem::release_syncs() {
  const std::lock_guard lock(mutex_);
  holding_ = false;
  moved_.notify_all();
}

void FaultFileSystem::wait_for_held_sync() {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [this] { return held_ > 0; });
}

void FaultFileSystem::die() {
  const std::lock_guard lock(mutex_);
  dead_ = true;
  moved_.notify_all();
}

uint64_t FaultFileSystem::durable_bytes(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto known = files_.find(normal(path));
  return known == files_.end() ? size_of(path) : known->second->synced;
}

IOStatus FaultFileSystem::check_alive() const {
  const std::lock_guard lock(mutex_);
  if (dead_) return IOStatus::IOError("the disk is gone: Input/output error");
  return IOStatus::OK();
}

IOStatus FaultFileSystem::judge(Op op) {
  const std::lock_guard lock(mutex_);
  return judge_locked(op);
}

IOStatus FaultFileSystem::judge_locked(Op op) {
  if (dead_) return IOStatus::IOError("the disk is gone: Input/output error");
  const uint64_t number = ++counts_[static_cast<size_t>(op)];
  if (!plan_ || plan_->op != op || number < plan_->at) return IOStatus::OK();
  if (plan_->times == Times::once && number > plan_->at) return IOStatus::OK();
  reached_ = true;
  return status_of(plan_->fault);
}

FaultFileSystem::FileRef FaultFileSystem::state_of(const std::string& path) {
  FileRef& state = files_[path];
  if (!state) {
    state = std::make_shared<FileState>();
    state->written = state->synced = size_of(path);
  }
  return state;
}

void FaultFileSystem::give_back_room(uint64_t bytes) {
  if (room_) *room_ += bytes;
}

std::string FaultFileSystem::keep_shadow(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  std::string shadow = shadow_directory_ + "/" + std::to_string(++shadows_);
  std::filesystem::create_hard_link(path, shadow);
  return shadow;
}

// ---- contents

// The real write is under the mutex: bytes and their count move together, also for a power cut on another thread.
IOStatus FaultFileSystem::append(rocksdb::FSWritableFile& file, FileState& state, const Slice& data,
                                 const IOOptions& options, IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  auto status = judge_locked(Op::write);
  if (dead_) return status;
  uint64_t bytes = data.size();
  if (!status.ok()) bytes /= 2;
  if (room_ && *room_ < bytes) {
    bytes = *room_;
    status = status_of(Fault::no_space);
  }
  if (bytes > 0) {
    if (auto real = file.Append(Slice(data.data(), bytes), options, debug); !real.ok()) return real;
    state.written += bytes;
    if (room_) *room_ -= bytes;
  }
  return status;
}

// Does not bother the real disk: power is lost in this layer only, and its syncs would be most of a test's time.
IOStatus FaultFileSystem::sync(FileState& state) {
  std::unique_lock lock(mutex_);
  auto status = judge_locked(Op::sync);
  const uint64_t written = state.written;  // what this sync speaks of, however long it takes
  if (holding_ && !dead_) {
    ++held_;
    moved_.notify_all();
    moved_.wait(lock, [this] { return !holding_ || dead_; });
    --held_;
  }
  if (dead_) return IOStatus::IOError("the disk is gone: Input/output error");
  const bool needs_room = state.written > state.synced;
  if (!status.ok() && (needs_room || !status.IsNoSpace())) {
    state.lost = needs_room;
    return status;
  }
  if (lying_syncs_) return IOStatus::OK();
  if (!state.lost) state.synced = std::max(state.synced, std::min(written, state.written));
  if (!state.lost) state.cut_tail.clear();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::truncate(const std::string& path, FileState& state, uint64_t bytes,
                                   const std::function<IOStatus()>& real_truncate) {
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::truncate); !judged.ok()) return judged;
  if (bytes > state.written) return IOStatus::NotSupported("a file grows by appending");
  if (bytes < state.synced) {
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(bytes));
    std::string tail(state.synced - bytes, '\0');
    file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
    if (state.cut_tail.empty() || bytes < state.cut_at) {
      state.cut_tail = std::move(tail);
      state.cut_at = bytes;
    }
    state.synced = bytes;
  }
  if (auto real = real_truncate(); !real.ok()) return real;
  give_back_room(state.written - bytes);
  state.written = bytes;
  if (bytes <= state.synced) state.lost = false;  // what a failed sync lost is not part of the file any more
  return IOStatus::OK();
}

// ---- names

IOStatus FaultFileSystem::begin_file(const std::string& path, bool is_new,
                                     std::unique_ptr<rocksdb::FSWritableFile>* file) {
  FileRef state;
  {
    const std::lock_guard lock(mutex_);
    if (is_new) files_.erase(path);
    state = state_of(path);
    if (is_new) *state = FileState{};
  }
  *file = std::make_unique<FaultWritableFile>(*this, path, std::move(state), std::move(*file));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const std::string path = normal(name);
  {
    const std::lock_guard lock(mutex_);
    if (auto judged = judge_locked(Op::create); !judged.ok()) return judged;
    // The old file is replaced, not emptied: what was durable of it can come back.
    const FileRef old = std::filesystem::exists(path) ? state_of(path) : nullptr;
    std::string shadow = keep_shadow(path);
    if (!shadow.empty()) {
      give_back_room(old->written);
      std::filesystem::remove(path);
    }
    if (auto real = target()->NewWritableFile(path, options, file, debug); !real.ok()) return real;
    changes_[parent_of(path)].push_back({NameChange::Kind::made, path, {}, std::move(shadow), old});
  }
  return begin_file(path, true, file);
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const std::string path = normal(name);
  const bool is_new = !std::filesystem::exists(path);
  if (is_new) return NewWritableFile(path, options, file, debug);
  if (auto judged = judge(Op::create); !judged.ok()) return judged;
  if (auto real = target()->ReopenWritableFile(path, options, file, debug); !real.ok()) return real;
  return begin_file(path, false, file);
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string&, const std::string&, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("a file that is written again");
}

IOStatus FaultFileSystem::NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) {
  return IOStatus::NotSupported("writing inside a file");
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) {
  if (auto judged = judge(Op::open); !judged.ok()) return judged;
  if (auto real = target()->NewSequentialFile(path, options, file, debug); !real.ok()) return real;
  *file = std::make_unique<FaultSequentialFile>(*this, std::move(*file));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext* debug) {
  if (auto judged = judge(Op::open); !judged.ok()) return judged;
  if (auto real = target()->NewRandomAccessFile(path, options, file, debug); !real.ok()) return real;
  *file = std::make_unique<FaultRandomAccessFile>(*this, std::move(*file));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  if (auto alive = check_alive(); !alive.ok()) return alive;
  if (auto real = target()->NewDirectory(path, options, directory, debug); !real.ok()) return real;
  *directory = std::make_unique<FaultDirectory>(*this, normal(path), std::move(*directory));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::CreateDir(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  const std::string path = normal(name);
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::create); !judged.ok()) return judged;
  if (auto real = target()->CreateDir(path, options, debug); !real.ok()) return real;
  changes_[parent_of(path)].push_back({NameChange::Kind::made, path, {}, {}, nullptr});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  if (!std::filesystem::is_directory(path)) return CreateDir(path, options, debug);
  return check_alive();
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  const std::string path = normal(name);
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::remove); !judged.ok()) return judged;
  if (!std::filesystem::exists(path)) return target()->DeleteFile(path, options, debug);  // its own error
  const FileRef state = state_of(path);
  std::string shadow = keep_shadow(path);
  if (auto real = target()->DeleteFile(path, options, debug); !real.ok()) return real;
  give_back_room(state->written);
  files_.erase(path);
  changes_[parent_of(path)].push_back({NameChange::Kind::removed, path, {}, std::move(shadow), state});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::RenameFile(const std::string& old_name, const std::string& new_name, const IOOptions& options,
                                     IODebugContext* debug) {
  const std::string from = normal(old_name);
  const std::string to = normal(new_name);
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::rename); !judged.ok()) return judged;
  if (parent_of(from) != parent_of(to)) return IOStatus::NotSupported("a rename into another directory");
  if (!std::filesystem::exists(from)) return target()->RenameFile(from, to, options, debug);  // its own error
  const FileRef moved = state_of(from);
  const FileRef replaced = std::filesystem::exists(to) ? state_of(to) : nullptr;
  std::string shadow = keep_shadow(to);
  if (auto real = target()->RenameFile(from, to, options, debug); !real.ok()) return real;
  if (replaced) give_back_room(replaced->written);
  files_.erase(from);
  files_[to] = moved;
  changes_[parent_of(to)].push_back({NameChange::Kind::renamed, to, from, std::move(shadow), replaced});
  return IOStatus::OK();
}

// Backups link the files of the store into their own folder.
IOStatus FaultFileSystem::LinkFile(const std::string& old_name, const std::string& new_name, const IOOptions& options,
                                   IODebugContext* debug) {
  const std::string from = normal(old_name);
  const std::string to = normal(new_name);
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::create); !judged.ok()) return judged;
  if (auto real = target()->LinkFile(from, to, options, debug); !real.ok()) return real;
  files_[to] = state_of(from);
  changes_[parent_of(to)].push_back({NameChange::Kind::made, to, {}, {}, nullptr});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::Truncate(const std::string& name, size_t bytes, const IOOptions& options,
                                   IODebugContext* debug) {
  const std::string path = normal(name);
  FileRef state;
  {
    const std::lock_guard lock(mutex_);
    state = state_of(path);
  }
  return truncate(path, *state, bytes, [&] { return target()->Truncate(path, bytes, options, debug); });
}

IOStatus FaultFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (auto judged = judge_locked(Op::sync_directory); !judged.ok()) return judged;
  if (lying_syncs_) return IOStatus::OK();
  for (const NameChange& change : changes_[path]) {
    if (!change.shadow.empty()) std::filesystem::remove(change.shadow);
  }
  changes_.erase(path);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::FileExists(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  if (auto alive = check_alive(); !alive.ok()) return alive;
  return target()->FileExists(path, options, debug);
}

IOStatus FaultFileSystem::GetChildren(const std::string& path, const IOOptions& options,
                                      std::vector<std::string>* children, IODebugContext* debug) {
  if (auto alive = check_alive(); !alive.ok()) return alive;
  return target()->GetChildren(path, options, children, debug);
}

IOStatus FaultFileSystem::GetFileSize(const std::string& path, const IOOptions& options, uint64_t* bytes,
                                      IODebugContext* debug) {
  if (auto alive = check_alive(); !alive.ok()) return alive;
  return target()->GetFileSize(path, options, bytes, debug);
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* bytes,
                                       IODebugContext* debug) {
  const std::lock_guard lock(mutex_);
  if (dead_) return IOStatus::IOError("the disk is gone: Input/output error");
  if (!room_) return target()->GetFreeSpace(path, options, bytes, debug);
  *bytes = *room_;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) {
  *lock = new NoLock;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
  delete lock;
  return IOStatus::OK();
}

}  // namespace bobbin::test
