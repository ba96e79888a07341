#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "storage/family.h"

// Every option of RocksDB that differs from its default, each with its reason. Internal to storage.
namespace bobbin::store {

// Sizes in memory, all families together: write buffers kWriteBufferBytesMax at most, the cache what the caller says.
inline constexpr size_t kWriteBufferBytesMax = 16 * 1024 * 1024;

// What a benchmark tries instead (bench/options_bench.cpp): each is called, if it is there, with our options to change.
struct OptionTrial {
  std::function<void(rocksdb::DBOptions&)> database;
  std::function<void(Family, rocksdb::ColumnFamilyOptions&, rocksdb::BlockBasedTableOptions&)> family;
  std::function<void(rocksdb::LRUCacheOptions&)> cache;
};

// `trial` is null outside of that benchmark.
rocksdb::DBOptions database_options(rocksdb::Env* env, const OptionTrial* trial = nullptr);

// Same, for tools that change nothing, and say themselves what is damaged.
rocksdb::DBOptions read_only_options(rocksdb::Env* env);

// Options of one family; `cache` is shared by all.
rocksdb::ColumnFamilyOptions family_options(Family family, const std::shared_ptr<rocksdb::Cache>& cache,
                                            const OptionTrial* trial = nullptr);

std::shared_ptr<rocksdb::Cache> make_block_cache(size_t bytes, const OptionTrial* trial = nullptr);

// Where every read begins. No row is ever deleted by range (FORMAT.md, "Deletion"), so none is looked for: RocksDB
// before 8.5.2 can lose the error of a file in the middle of a scan when it does (its pull requests 11783 and 11786),
// and the scan then passes over the file's rows.
rocksdb::ReadOptions read_options();

// A group commit: durable when Write returns.
rocksdb::WriteOptions commit_options();

}  // namespace bobbin::store
