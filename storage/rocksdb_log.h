#pragma once

#include <rocksdb/env.h>

#include <memory>

// What RocksDB has to say, among the lines of our own log. Internal to storage.
namespace bobbin::store {

// From warnings up; its options and statistics are left out. Thread-safe. Not a file: a failed write of RocksDB's own
// LOG, as on a full disk, ends the process by an assertion in Debian's build.
std::shared_ptr<rocksdb::Logger> make_rocksdb_log();

}  // namespace bobbin::store
