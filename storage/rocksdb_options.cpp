#include "storage/rocksdb_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <string_view>

#include "storage/keys.h"
#include "storage/rocksdb_log.h"

namespace bobbin::store {
namespace {

// The part of a key that names its owner: what a scan stays within, and what the bloom filters are asked for.
class OwnerPrefix final : public rocksdb::SliceTransform {
 public:
  using Measure = size_t (*)(std::string_view) noexcept;
  OwnerPrefix(const char* name, Measure measure) : name_(name), measure_(measure) {}

  const char* Name() const override { return name_; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return {key.data(), prefix_bytes(key)}; }
  bool InDomain(const rocksdb::Slice& key) const override { return prefix_bytes(key) > 0; }

 private:
  size_t prefix_bytes(const rocksdb::Slice& key) const { return measure_(std::string_view(key.data(), key.size())); }

  const char* name_;
  Measure measure_;
};

// The names are on disk: a changed meaning needs a new name.
std::shared_ptr<const rocksdb::SliceTransform> prefix_of(Family family) {
  switch (family) {
    case Family::messages:
    case Family::runs:
    case Family::queue:
    case Family::annotations:
    case Family::erasures: return std::make_shared<OwnerPrefix>("bobbin.user_thread.1", thread_prefix_bytes);
    case Family::threads:
    case Family::recency:
    case Family::bookmarks:
    case Family::counters:
    case Family::settings:
    case Family::feed:
    case Family::search:
    case Family::idempotency: return std::make_shared<OwnerPrefix>("bobbin.user.1", user_prefix_bytes);
    case Family::changes:
    case Family::meta:
    case Family::accounts:
    case Family::shares:
    case Family::keys: return nullptr;
  }
  return nullptr;
}

class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

// Ratios below are of bench/README.md, bobbin-options-bench: the option left out or set otherwise / as it is here.
// Where none is given, the option bounds something and its cost is lost in the noise.
rocksdb::DBOptions database_options(rocksdb::Env* env, const OptionTrial* trial) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.env = env;
  // One flush and one compaction thread: the writer waits for neither, and a small machine has cores to share. Four of
  // each were no faster.
  options.max_background_jobs = 2;
  options.env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
  options.env->SetBackgroundThreads(1, rocksdb::Env::LOW);
  options.env->LowerThreadPoolIOPriority(rocksdb::Env::LOW);
  static_cast<void>(options.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow));
  // After a power cut the log's torn end is dropped, and nothing after the first hole is believed.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A failed write is never tried again: after a failed fsync a second one can report success for pages that are lost.
  options.max_bgerror_resume_count = 0;
  options.paranoid_checks = true;
  // Everything is in the log but the deletion of nothing that begins another one (Database::resume): for that alone
  // closing would write out what is in memory, also where the disk has failed.
  options.avoid_flush_during_shutdown = true;
  // Over all families. 64 MiB made nothing faster (idle memory 1.07), 4 MiB nothing slower than noise. Families that
  // are written rarely would otherwise hold old logs: see max_total_wal_size.
  options.db_write_buffer_size = kWriteBufferBytesMax;
  options.max_total_wal_size = 32 * 1024 * 1024;
  // Deleting old files happens on a background thread, not when an iterator on a loop goes away.
  options.avoid_unnecessary_blocking_io = true;
  // Each open file costs a descriptor and some memory; indexes and filters are in the block cache.
  options.max_open_files = 512;
  // Writes that bypass the page cache's burst at the end of a flush: smoother fsyncs for the log beside it.
  options.bytes_per_sync = 1024 * 1024;
  // No LOG of its own: see storage/rocksdb_log.h. Nor may statistics wake the machine every ten minutes.
  options.info_log = make_rocksdb_log();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // Shown at opening instead: the names and sizes of files are checked against the manifest when they are read.
  options.skip_stats_update_on_db_open = true;
  if (trial != nullptr && trial->database) trial->database(options);
  return options;
}

rocksdb::DBOptions read_only_options(rocksdb::Env* env) {
  rocksdb::DBOptions options = database_options(env);
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  options.info_log = std::make_shared<SilentLogger>();
  return options;
}

std::shared_ptr<rocksdb::Cache> make_block_cache(size_t bytes, const OptionTrial* trial) {
  rocksdb::LRUCacheOptions options;
  options.capacity = bytes;
  // Four shards: a few threads read; more would make each too small for a 4 MiB answer.
  options.num_shard_bits = 2;
  // Room that data blocks cannot push indexes and filters out of.
  options.high_pri_pool_ratio = 0.4;
  if (trial != nullptr && trial->cache) trial->cache(options);
  return rocksdb::NewLRUCache(options);
}

rocksdb::ColumnFamilyOptions family_options(Family family, const std::shared_ptr<rocksdb::Cache>& cache,
                                            const OptionTrial* trial) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // One bound for all memory of reads: nothing lives outside the cache. (Outside: 0.69 of the messages a second.)
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Without: a page from disk 2.2, a look-up of what is not there 2.1.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.format_version = 5;
  table.checksum = rocksdb::ChecksumType::kXXH3;
  // A page of messages is 50 neighbours of a few hundred bytes: larger blocks save index and compress better. 4 KiB: a
  // page from disk 0.9, disk space 1.05; 32 KiB: 1.7 and 0.94.
  table.block_size = family == Family::messages ? 16 * 1024 : 8 * 1024;

  rocksdb::ColumnFamilyOptions options;
  options.prefix_extractor = prefix_of(family);  // without: a page from disk 1.8
  // None: disk space 3.6, messages a second 0.8. Zstandard: disk space 0.7, the slowest commits 1.5.
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.ttl = 0;
  // Sum of all is bounded by db_write_buffer_size. Messages come first: a larger buffer there means fewer, larger
  // files.
  options.write_buffer_size = family == Family::messages ? 8 * 1024 * 1024 : 1024 * 1024;
  // A family with an empty buffer should cost nothing: memory is taken in small steps.
  options.arena_block_size = 64 * 1024;
  // Rows of one owner are mostly written in the order of their keys, or against it: a place remembered for each owner
  // saves most of the search.
  options.memtable_insert_with_hint_prefix_extractor =
      family == Family::changes ? std::shared_ptr<const rocksdb::SliceTransform>(rocksdb::NewFixedPrefixTransform(1))
                                : options.prefix_extractor;
  if (family == Family::messages) {
    // A thread's few files are told apart without reading them.
    options.memtable_prefix_bloom_size_ratio = 0.02;
    options.memtable_whole_key_filtering = true;
  }
  if (family == Family::recency || family == Family::queue) {
    // Rows here move and go all the time, and every scan walks over what is left of them. A small buffer bounds that in
    // memory (recency: about 700 moves, 60 to 150 us more for a page; 1 MiB made that 520 us, 64 KiB cost a fifth of
    // the writer's speed in flushes); in files it is next to nothing there, as rows are removed with single
    // deletions, and bounded by compaction by density. More buffers than two, as each is full soon; small steps, as a
    // step counts as full.
    options.write_buffer_size = 256 * 1024;
    options.arena_block_size = 8 * 1024;
    options.max_write_buffer_number = 6;
    options.level0_file_num_compaction_trigger = 2;
    options.target_file_size_base = 2 * 1024 * 1024;
  }
  // Any file of which 64 of 256 neighbours are deletions is compacted away, in all families.
  options.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(256, 64, 0.25));
  if (trial != nullptr && trial->family) trial->family(family, options, table);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  options.ignore_range_deletions = true;
  return options;
}

rocksdb::WriteOptions commit_options() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace bobbin::store
