#pragma once

#include <rocksdb/options.h>

#include <cstddef>
#include <memory>

#include "storage/family.h"

// Every option of RocksDB that differs from its default, each with its reason. Internal to storage.
namespace bobbin::store {

// Sizes in memory, all families together: write buffers kWriteBufferBytesMax at most, the cache what the caller says.
inline constexpr size_t kWriteBufferBytesMax = 16 * 1024 * 1024;

rocksdb::DBOptions database_options(rocksdb::Env* env);

// Same, for tools that change nothing: not even RocksDB's own LOG is made or renamed.
rocksdb::DBOptions read_only_options(rocksdb::Env* env);

// Options of one family; `cache` is shared by all.
rocksdb::ColumnFamilyOptions family_options(Family family, const std::shared_ptr<rocksdb::Cache>& cache);

std::shared_ptr<rocksdb::Cache> make_block_cache(size_t bytes);

// A group commit: durable when Write returns.
rocksdb::WriteOptions commit_options();

}  // namespace bobbin::store
