#include "storage/database.h"

#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "storage/directory.h"
#include "storage/disk_space.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

constexpr char kNothing[] = "log";  // a key that is never there

// A family that this program does not know was made by a newer one: opening without it is impossible, with it a guess.
Result<void> check_families(rocksdb::Env* env, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::Status status = rocksdb::DB::ListColumnFamilies(read_only_options(env), path, &names);
  if (!status.ok()) {
    struct stat current {};
    if (stat((path + "/CURRENT").c_str(), &current) != 0 && errno == ENOENT) return {};  // none yet: it will be made
    return fail(from_rocksdb(status));
  }
  for (const std::string& name : names) {
    if (name == rocksdb::kDefaultColumnFamilyName) continue;
    if (std::find(kFamilyNames.begin(), kFamilyNames.end(), name) == kFamilyNames.end()) {
      return fail(Code::corrupt, 0, "the store has a column family that this program does not know");
    }
  }
  return {};
}

// What RocksDB still points into when it must not be closed.
struct Abandoned {
  std::unique_ptr<rocksdb::Env> env;
  rocksdb::DB* db;
  rocksdb::ColumnFamilyHandle* default_family;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families;
};

void hold_until_exit(Abandoned abandoned) {
  static std::mutex mutex;
  static auto& held = *new std::vector<Abandoned>;  // never destroyed: that would close them
  const std::lock_guard lock(mutex);
  held.push_back(std::move(abandoned));
}

}  // namespace

// Flush and compaction run on threads that answer to nobody: their failures come here. Failures of a commit itself are
// told to the writer by Write().
class Database::BackgroundErrors final : public rocksdb::EventListener {
 public:
  explicit BackgroundErrors(Database::OnBackgroundError on_error) : on_error_(std::move(on_error)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) return;
    const Error error = from_rocksdb(*status);
    const std::lock_guard lock(mutex_);
    if (on_error_) on_error_(error);
  }
  // RocksDB would look for room every few seconds by itself; when it may write again is the writer's to say.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* recovers_by_itself) override {
    *recovers_by_itself = false;
  }
  void detach() {
    const std::lock_guard lock(mutex_);
    on_error_ = nullptr;
  }

 private:
  std::mutex mutex_;
  Database::OnBackgroundError on_error_;
};

Error from_rocksdb(const rocksdb::Status& status, std::source_location where) {
  const auto subcode = static_cast<int32_t>(status.subcode());
  if (status.IsIncomplete()) return Error(Code::would_block, subcode, "not in memory", where);
  const int32_t known_errno = errno_of(status);
  const int32_t number = known_errno != 0 ? known_errno : subcode;
  log::error("rocksdb", {{"status", status.ToString()}, {"errno", known_errno}});
  if (status.IsCorruption()) return Error(Code::corrupt, number, "the store is damaged", where);
  if (status.IsNoSpace()) return Error(Code::storage_full, ENOSPC, kStorageFullDetail, where);
  return Error(Code::io, number, "the store's files cannot be read or written", where);
}

Error corrupt_row(Family family, std::string_view key, const Error& why) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (const char c : key) {
    hex.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
    hex.push_back(kHex[static_cast<uint8_t>(c) & 15]);
  }
  log::error("damaged row",
             {{"family", family_name(family)}, {"key", hex}, {"why", why.detail}, {"found", why.number}});
  return why;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& directory, const Options& options,
                                                 OnBackgroundError on_background_error) {
  std::unique_ptr<Database> database(new Database);
  database->guard_ = std::make_shared<LogGuard>(options.file_system);
  database->env_ = rocksdb::NewCompositeEnv(database->guard_);
  TRY_ASSIGN(database->lock_fd_, lock_directory(directory));
  TRY(check_restore_is_complete(directory));
  database->directory_ = directory;
  const std::string path = directory + "/" + kDatabaseName;
  TRY(make_directory(path, "the data directory cannot be written"));
  TRY(check_families(database->env(), path));
  TRY(database->open_families(path, Access::write, options, std::move(on_background_error)));
  TRY(database->check_format());
  return database;
}

Result<std::unique_ptr<Database>> Database::open_existing(const std::string& directory, Access access,
                                                          const Options& options) {
  TRY(check_restore_is_complete(directory));
  TRY(check_is_store(directory));
  if (access == Access::write) return open(directory, options, nullptr);
  std::unique_ptr<Database> database(new Database);
  database->guard_ = std::make_shared<LogGuard>(options.file_system);
  database->env_ = rocksdb::NewCompositeEnv(database->guard_);
  TRY_ASSIGN(database->lock_fd_, lock_existing_directory(directory));
  database->directory_ = directory;
  const std::string path = directory + "/" + kDatabaseName;
  TRY(check_families(database->env(), path));
  TRY(database->open_families(path, Access::read, options, nullptr));
  TRY(database->check_format());
  return database;
}

Result<void> Database::open_families(const std::string& path, Access access, const Options& chosen,
                                     OnBackgroundError on_background_error) {
  rocksdb::DBOptions options =
      access == Access::write ? database_options(env(), chosen.option_trial) : read_only_options(env());
  background_errors_ = std::make_shared<BackgroundErrors>(std::move(on_background_error));
  options.listeners.push_back(background_errors_);
  const auto cache = make_block_cache(chosen.block_cache_bytes, chosen.option_trial);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(Family::meta, cache, chosen.option_trial));
  for (size_t i = 0; i < kFamilyCount; ++i) {
    descriptors.emplace_back(kFamilyNames[i], family_options(static_cast<Family>(i + 1), cache, chosen.option_trial));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = access == Access::write
                                     ? rocksdb::DB::Open(options, path, descriptors, &handles, &db)
                                     : rocksdb::DB::OpenForReadOnly(options, path, descriptors, &handles, &db);
  if (!status.ok()) return fail(from_rocksdb(status));
  db_.reset(db);
  access_ = access;
  default_family_ = handles[0];
  std::copy(handles.begin() + 1, handles.end(), families_.begin());
  return {};
}

Result<void> Database::check_format() {
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, get(read_options(), Family::meta, kFormatKey, value));
  if (found) {
    auto format = decode_number(to_view(value));
    if (!format) return fail(corrupt_row(Family::meta, kFormatKey, format.error()));
    if (*format != kStoreFormat) {
      return fail(Code::corrupt, static_cast<int32_t>(*format),
                  "the store has a format that this program does not know");
    }
    return {};
  }
  if (access_ == Access::read) return fail(Code::corrupt, 0, "the store does not say its format");
  // New; or its maker died before this line, and then there is no change yet either.
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read_options(), family(Family::changes)));
  it->SeekToFirst();
  if (it->Valid()) return fail(Code::corrupt, 0, "the store does not say its format");
  if (!it->status().ok()) return fail(from_rocksdb(it->status()));
  std::string record;
  append_number_record(record, kStoreFormat);
  const rocksdb::Status status = db_->Put(commit_options(), family(Family::meta), to_slice(kFormatKey), record);
  if (!status.ok()) return fail(from_rocksdb(status));
  return {};
}

Result<bool> Database::get(const rocksdb::ReadOptions& options, Family name, std::string_view key,
                           rocksdb::PinnableSlice& value) const {
  const rocksdb::Status status = db_->Get(options, family(name), to_slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return fail(from_rocksdb(status));
  return true;
}

Error Database::write_error(const rocksdb::Status& status) {
  // Only LogGuard says Busy. The log may be another one meanwhile: the housekeeper flushes.
  if (status.IsBusy()) return Error(Code::storage_full, ENOSPC, kStorageFullDetail);
  return from_rocksdb(status);
}

Result<void> Database::resume() {
  // First every job that began on the full disk must have failed: one that tells so in the middle of Resume() makes
  // RocksDB 7.8 drop the flush that Resume() waits for, and it waits for ever.
  rocksdb::Status status = db_->PauseBackgroundWork();
  if (status.ok()) status = db_->ContinueBackgroundWork();
  if (status.ok()) status = db_->Resume();
  if (!status.ok()) return fail(from_rocksdb(status));
  if (!guard_->log_is_closed()) return {};
  TRY(begin_buffer());
  if (guard_->log_is_closed()) {
    // The old log counts as empty: it could not be made, and nobody has written to it yet. What it refuses counts too.
    status = db_->Delete(rocksdb::WriteOptions(), default_family_, kNothing);
    if (!status.ok() && !status.IsBusy()) return fail(from_rocksdb(status));
    TRY(begin_buffer());
  }
  if (guard_->log_is_closed()) return bobbin::fail(Code::storage_full, ENOSPC, kStorageFullDetail);
  return {};
}

// RocksDB begins a log when it begins a write buffer, where the old log is not empty; and a buffer only where the old
// one is not: a deletion of nothing, outside of the log, in the family that stays empty.
Result<void> Database::begin_buffer() {
  rocksdb::WriteOptions outside;
  outside.disableWAL = true;
  rocksdb::Status status = db_->Delete(outside, default_family_, kNothing);
  if (status.ok()) status = db_->Flush(rocksdb::FlushOptions(), default_family_);
  if (!status.ok()) return fail(from_rocksdb(status));
  return {};
}

Database::~Database() {
  if (background_errors_) background_errors_->detach();
  if (db_) rocksdb::CancelAllBackgroundWork(db_.get(), true);
  if (abandoned_) {
    hold_until_exit({std::move(env_), db_.release(), default_family_, families_});
  } else if (db_) {
    for (rocksdb::ColumnFamilyHandle* handle : families_) static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
    static_cast<void>(db_->DestroyColumnFamilyHandle(default_family_));
    const rocksdb::Status status = db_->Close();
    if (!status.ok()) log::error("closing the store failed", {{"status", status.ToString()}});
    db_.reset();
  }
  if (lock_fd_ >= 0) close(lock_fd_);
}

}  // namespace bobbin::store
