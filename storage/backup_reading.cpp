#include "storage/backup_reading.h"

namespace bobbin::store {

Result<std::unique_ptr<BackupReading>> BackupReading::open(const std::string& from, Watch& watch) {
  std::unique_ptr<BackupReading> reading(new BackupReading(watch));
  TRY_ASSIGN(reading->place_, BackupPlace::open(from, BackupPlace::Use::read));
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::IOStatus status = rocksdb::BackupEngineReadOnly::Open(reading->place_->engine_options(*reading->env_),
                                                                       rocksdb::Env::Default(), &engine);
  if (!status.ok()) return fail(backup_error(status, "the backup directory cannot be read"));
  reading->engine_.reset(engine);
  engine->GetBackupInfo(&reading->infos_);
  return reading;
}

BackupEntry BackupReading::entry(const rocksdb::BackupInfo& info) const {
  const auto manifest = place_->read_manifest(info.backup_id);
  return backup_entry(info, manifest ? *manifest : std::nullopt);
}

Result<std::optional<std::string>> BackupReading::find_fault(const rocksdb::BackupInfo& info) {
  const auto manifest = place_->read_manifest(info.backup_id);
  if (!manifest && manifest.error().code == Code::corrupt) return manifest.error().detail;
  if (!manifest) return fail(manifest.error());
  if (!*manifest) return "it was cut short and cannot be restored; the next backup clears it away";
  const rocksdb::IOStatus status = engine_->VerifyBackup(info.backup_id, true);
  if (meter_.is_cancelled()) return fail(Code::cancelled, 0, "cancelled");
  if (!status.ok()) return status.ToString();
  for (const BackupFile& file : (*manifest)->files) {
    const auto read = read_file(info.backup_id, file, "");
    if (!read && read.error().code == Code::corrupt) return file.name + ": " + read.error().detail;
    if (!read) return fail(read.error());
  }
  return std::nullopt;
}

Result<void> BackupReading::read_file(uint32_t id, const BackupFile& file, const std::string& copy_to) {
  std::unique_ptr<rocksdb::FSSequentialFile> from;
  const std::string path = place_->folder(id) + "/" + file.name;
  const rocksdb::IOStatus opened = rocksdb::FileSystem::Default()->NewSequentialFile(path, {}, &from, nullptr);
  if (!opened.ok()) return fail(Code::corrupt, 0, "a file of the run log or the secret is missing in the backup");
  TRY_ASSIGN(const CopiedFile copied, copy_file(*from, copy_to, meter_));
  if (copied.bytes != file.bytes || copied.hash != file.hash) {
    return fail(Code::corrupt, 0, "a file of the run log or the secret is damaged in the backup");
  }
  return {};
}

Result<std::vector<BackupEntry>> list_backups(const std::string& from) {
  Watch nobody;
  TRY_ASSIGN(const auto reading, BackupReading::open(from, nobody));
  std::vector<BackupEntry> entries;
  for (const rocksdb::BackupInfo& info : reading->infos()) entries.push_back(reading->entry(info));
  return entries;
}

Result<BackupsReport> verify_backups(const std::string& from, uint32_t id, Watch& watch) {
  TRY_ASSIGN(const auto reading, BackupReading::open(from, watch));
  BackupsReport report;
  for (const rocksdb::BackupInfo& info : reading->infos()) {
    if (id != 0 && info.backup_id != id) continue;
    report.backups.push_back(reading->entry(info));
    reading->meter().begin("verifying", report.backups.back().bytes);
    TRY_ASSIGN(const auto fault, reading->find_fault(info));
    if (fault) report.problems.push_back({info.backup_id, *fault});
  }
  std::vector<rocksdb::BackupID> damaged;
  reading->engine().GetCorruptedBackups(&damaged);
  for (const rocksdb::BackupID each : damaged) {
    if (id == 0 || each == id) report.problems.push_back({each, "its list of files is damaged"});
  }
  if (id != 0 && report.backups.empty() && report.problems.empty()) {
    return fail(Code::not_found, 0, "there is no backup of this number");
  }
  return report;
}

}  // namespace bobbin::store
