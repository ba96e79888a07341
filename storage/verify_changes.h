#pragma once

#include "storage/verify_findings.h"

namespace bobbin::store {

// Judges the change log with what follows from it: the users' feeds, and where `meta` says that it begins. The log
// itself is never mended: nothing else says what it said. Internal to storage; one thread.
class ChangeLogCheck {
 public:
  // `options` reads the moment that is verified.
  ChangeLogCheck(const Database& database, const rocksdb::ReadOptions& options, Findings& findings, Fixes& fixes)
      : database_(database), options_(options), findings_(findings), fixes_(fixes) {}

  // Each row of `changes`, in the order of its keys. Errors of all: io, storage_full.
  Result<void> on_change(std::string_view key, std::string_view value);
  // After the last of them.
  Result<void> finish_changes();
  // Each row of `feed`, then.
  Result<void> on_feed_event(std::string_view key, std::string_view value);

 private:
  const Database& database_;
  const rocksdb::ReadOptions& options_;
  Findings& findings_;
  Fixes& fixes_;
  uint64_t first_sequence_ = 0;  // 0: the log is empty
};

}  // namespace bobbin::store
