#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"

// What is in a directory that may be a data directory: for people who want to know, and for support. Changes nothing,
// and needs neither a whole store nor its lock.
namespace bobbin::store {

class Database;

struct DoctorFamily {
  std::string name;
  bool known = true;       // false: of a newer program
  uint64_t rows = 0;       // an estimate
  uint64_t bytes = 0;      // in files
  uint64_t in_memory = 0;  // bytes that are in RocksDB's log alone so far
};

struct DoctorFiles {
  std::string kind;  // tables, write-ahead log, run log, …
  uint64_t files = 0;
  uint64_t bytes = 0;
};

struct DoctorAdvice {
  std::string what;  // what is wrong
  std::string act;   // and what to do about it
};

struct DoctorReport {
  std::string directory;
  bool is_store = false;       // there is a RocksDB below it
  bool is_read = false;        // and it could be opened; else `advice` says why not, and what is below is not known
  uint64_t format = 0;         // 0: it does not say
  uint64_t format_known = 0;   // the newest that this program knows
  uint64_t last_sequence = 0;  // of the change log
  uint64_t threads = 0;
  uint64_t users = 0;        // those with threads
  bool is_estimate = false;  // threads: about so many; users: at least so many
  uint64_t active_runs = 0;
  uint64_t waiting_submits = 0;
  std::optional<uint64_t> waiting_erasures;  // deleted threads with bytes still in files; absent: not known
  std::vector<DoctorFamily> families;
  std::vector<DoctorFiles> files;
  uint64_t disk_free_bytes = 0;  // for this process
  uint64_t disk_bytes = 0;
  bool in_use = false;    // somebody holds the lock
  int64_t in_use_by = 0;  // its process id; 0: not known
  std::vector<DoctorAdvice> advice;
};

// `database`: the store of `directory`, where this process has it open; else null, and it is opened for reading alone,
// also while another process serves it. Errors: not_found (no such directory), io (it cannot be read at all).
Result<DoctorReport> examine(const std::string& directory, const Database* database);

}  // namespace bobbin::store
