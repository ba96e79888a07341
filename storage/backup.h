#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "storage/watch.h"

// Copies of a whole store in a directory of their own, and back (storage/FORMAT.md, "Backups").
//
// A backup holds RocksDB's files (shared between backups, so that each costs what is new), the run log's segments and,
// only where asked for, the secret that tokens are signed with. It is taken while the store serves: nothing waits for
// it and nothing is written into the data directory. It counts from the moment its manifest is there; whatever ends the
// process before that leaves the earlier ones as they were, and the next backup clears away what is left.
//
// All functions block. Common errors: cancelled; io; storage_full (the disk that is written to); busy (another backup
// is under way there); not_found (the directory is no backup directory, or has no such backup).
namespace bobbin::store {

class Database;

struct BackupOptions {
  std::string to;            // absolute where a server does it: its working directory is another
  bool with_secret = false;  // also the data directory's jwt-secret: whoever has the backup can then sign tokens
  bool verify = false;       // reads the new backup once more
  uint32_t keep = 0;         // how many backups stay, this one included; 0: all
};

struct BackupEntry {
  uint32_t id = 0;
  int64_t created_us = 0;
  uint64_t bytes = 0;  // of all files that it needs, also those that it shares
  uint32_t files = 0;
  bool complete = false;  // false: was cut short, and cannot be restored
  bool with_secret = false;
};

struct BackupReport {
  BackupEntry backup;
  uint64_t new_bytes = 0;  // written for it
  int64_t duration_us = 0;
  bool verified = false;
  std::vector<uint32_t> removed;  // ids that `keep` let go
};

// Errors: also invalid (`to` lies in the data directory, holds other files, or backups of another store), not_found
// (with_secret where there is none), corrupt (verify: what was written does not come back).
Result<BackupReport> create_backup(const Database& database, const BackupOptions& options, Watch& watch);
// Of a store that nobody serves. Errors: also those of opening it.
Result<BackupReport> backup_directory(const std::string& directory, const BackupOptions& options, Watch& watch);

// Oldest first.
Result<std::vector<BackupEntry>> list_backups(const std::string& from);

struct BackupProblem {
  uint32_t id = 0;
  std::string what;
};
struct BackupsReport {
  std::vector<BackupEntry> backups;  // those that were looked at
  std::vector<BackupProblem> problems;
};
// Reads every file of one backup (`id`), or of all (0), and compares its checksum. Problems are a success of this
// function.
Result<BackupsReport> verify_backups(const std::string& from, uint32_t id, Watch& watch);

struct RestoreOptions {
  std::string from;
  std::string data;    // missing, empty, or one that a restore left unfinished
  uint32_t id = 0;     // 0: the newest
  bool force = false;  // another directory is moved aside first
};

struct RestoreReport {
  BackupEntry backup;
  std::string moved_aside;  // where what was there is now; empty: nothing was there
};

// Reads the backup once and compares its checksums before anything is changed. Until the end the directory has a marker
// with which no server opens it; the same call again finishes what a killed one began. Errors: also invalid (the
// directory has something in it), busy (a server uses it), corrupt (the backup fails its checksums).
Result<RestoreReport> restore_backup(const RestoreOptions& options, Watch& watch);

}  // namespace bobbin::store
