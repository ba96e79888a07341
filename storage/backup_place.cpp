#include "storage/backup_place.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "src/base/log.h"
#include "storage/codec.h"
#include "storage/directory.h"

namespace bobbin::store {
namespace {

constexpr uint8_t kManifestType = 128;  // apart from the record types of a store
constexpr uint8_t kManifestVersion = 1;
constexpr size_t kManifestBytesMax = 16 * 1024 * 1024;
constexpr char kOurs[] = "bobbin";
constexpr char kManifestName[] = "manifest";
constexpr std::string_view kRunLogFolder = "runlog/";

// A name leads out of its folder only in a manifest that somebody wrote by hand.
bool is_backup_file_name(std::string_view name) {
  if (name == kSecretName) return true;
  if (!name.starts_with(kRunLogFolder)) return false;
  name.remove_prefix(kRunLogFolder.size());
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool is_missing_or_empty(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return true;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename() != "lost+found") return false;  // every new file system has one
  }
  return !error;
}

}  // namespace

void append_backup_manifest(std::string& out, const BackupManifest& manifest) {
  RecordWriter record(out, kManifestType, kManifestVersion);
  record.le32(manifest.id);
  record.time(manifest.created_us);
  record.blob(manifest.store_id);
  record.le32(static_cast<uint32_t>(manifest.files.size()));
  for (const BackupFile& file : manifest.files) {
    record.blob(file.name);
    record.le64(file.bytes);
    record.le64(file.hash);
  }
  record.finish();
}

Result<BackupManifest> decode_backup_manifest(std::string_view bytes) {
  const auto misfit = [] { return fail(Code::corrupt, 0, "the backup's manifest is damaged"); };
  if (bytes.size() < kRecordHeadBytes + kRecordTailBytes) return misfit();
  const size_t sealed = bytes.size() - kRecordTailBytes;
  if (checksum32(bytes.substr(0, sealed)) != load_le32(bytes.data() + sealed)) return misfit();
  if (static_cast<uint8_t>(bytes[0]) != kManifestType) return misfit();
  if (static_cast<uint8_t>(bytes[1]) != kManifestVersion) {
    return fail(Code::corrupt, 0, "the backup's manifest has a version that this program does not know");
  }
  RecordReader record(bytes.substr(kRecordHeadBytes, sealed - kRecordHeadBytes));
  BackupManifest manifest;
  manifest.id = record.le32();
  manifest.created_us = record.time();
  manifest.store_id = record.blob();
  const uint32_t count = record.le32();
  if (count > record.bytes_left() / 20) return misfit();  // each takes twenty bytes at least
  for (uint32_t i = 0; i < count; ++i) {
    BackupFile& file = manifest.files.emplace_back();
    file.name = record.blob();
    file.bytes = record.le64();
    file.hash = record.le64();
    if (!is_backup_file_name(file.name)) return misfit();
  }
  if (!record.at_end()) return misfit();
  return manifest;
}

Result<std::unique_ptr<BackupPlace>> BackupPlace::open(const std::string& path, Use use) {
  std::unique_ptr<BackupPlace> place(new BackupPlace(path));
  const std::string ours = path + "/" + kOurs;
  struct stat info {};
  if (stat(ours.c_str(), &info) != 0) {
    if (errno == EACCES) return fail(Code::io, errno, "the backup directory cannot be read");
    if (use == Use::read) return fail(Code::not_found, 0, "this is no directory of Bobbin's backups");
    if (!is_missing_or_empty(path)) {
      return fail(Code::invalid, 0, "the backup directory has other files in it; give it one of its own");
    }
    TRY(make_directory(path, "the backup directory cannot be made"));
    // First of all: from here on the directory is known to be one.
    TRY(make_directory(ours, "the backup directory cannot be written"));
  }
  const std::string lock = ours + "/" + kLockName;
  const int flags = use == Use::write ? O_RDWR | O_CREAT : O_RDONLY;
  place->lock_fd_ = ::open(lock.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  // On a medium that cannot be written nobody writes.
  if (place->lock_fd_ < 0 && use == Use::write) return fail(Code::io, errno, "the backup directory cannot be written");
  if (place->lock_fd_ >= 0 && flock(place->lock_fd_, (use == Use::write ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Code::busy, errno, "another backup or restore uses the backup directory");
    return fail(Code::io, errno, "the backup directory cannot be locked");
  }
  if (use == Use::write) {
    // RocksDB would make these readable for everybody.
    for (const char* name : {"private", "shared_checksum", "meta"}) {
      TRY(make_directory(path + "/" + name, "the backup directory cannot be written"));
    }
  }
  return place;
}

BackupPlace::~BackupPlace() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

std::string BackupPlace::folder(uint32_t id) const { return path_ + "/" + kOurs + "/" + std::to_string(id); }

std::vector<uint32_t> BackupPlace::folders() const {
  std::vector<uint32_t> ids;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path_ + "/" + kOurs, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename();
    uint32_t id = 0;
    const auto [at, wrong] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (wrong == std::errc() && at == name.data() + name.size()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<std::optional<BackupManifest>> BackupPlace::read_manifest(uint32_t id) const {
  auto bytes = read_small_file(folder(id) + "/" + kManifestName, kManifestBytesMax);
  if (!bytes && bytes.error().code == Code::not_found) return std::nullopt;
  if (!bytes) return fail(bytes.error());
  TRY_ASSIGN(BackupManifest manifest, decode_backup_manifest(*bytes));
  if (manifest.id != id) return fail(Code::corrupt, 0, "the backup's manifest is another one's");
  return manifest;
}

rocksdb::BackupEngineOptions BackupPlace::engine_options(rocksdb::Env& env) const {
  rocksdb::BackupEngineOptions options(path_);
  options.backup_env = &env;
  // Files of different backups that have the same name and size but not the same contents are told apart.
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  // A backup that is answered for is on disk.
  options.sync = true;
  // RocksDB's log is copied as it stands: a flush would write into the data directory, which must also not happen when
  // that disk is full or failing.
  options.backup_log_files = true;
  // One file at a time: a backup is in no hurry, and others use the disk.
  options.max_background_operations = 1;
  return options;
}

BackupEntry backup_entry(const rocksdb::BackupInfo& info, const std::optional<BackupManifest>& manifest) {
  BackupEntry entry;
  entry.id = info.backup_id;
  entry.created_us = info.timestamp * 1'000'000;
  entry.bytes = info.size;
  entry.files = info.number_files;
  entry.complete = manifest.has_value();
  if (!manifest) return entry;
  entry.created_us = manifest->created_us;
  for (const BackupFile& file : manifest->files) {
    entry.bytes += file.bytes;
    ++entry.files;
    entry.with_secret |= file.name == kSecretName;
  }
  return entry;
}

Error backup_error(const rocksdb::IOStatus& status, const char* detail) {
  if (status.IsAborted() || status.IsIncomplete()) return Error(Code::cancelled, 0, "cancelled");
  log::error("backup", {{"status", status.ToString()}});
  if (status.IsNoSpace()) return Error(Code::storage_full, ENOSPC, "the disk is full");
  if (status.IsCorruption()) return Error(Code::corrupt, 0, detail);
  return Error(Code::io, 0, detail);
}

}  // namespace bobbin::store
