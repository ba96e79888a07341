// What each option of RocksDB in storage/rocksdb_options.cpp is good for: the store as it is, alternating with the same
// store but for one option. Each run is a process of its own. Medians of rounds; a ratio is trial / ours.
//
//   bobbin-options-bench [--rounds 3] [--only NAME] [--directory DIR]     DIR is made, used and removed
#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "bench/storage_load.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

using rocksdb::BlockBasedTableOptions;
using rocksdb::ColumnFamilyOptions;

struct Trial {
  const char* name;
  const char* what;
  OptionTrial option;
};

OptionTrial in_database(std::function<void(rocksdb::DBOptions&)> change) {
  return {.database = std::move(change), .family = {}, .cache = {}};
}
OptionTrial in_families(std::function<void(Family, ColumnFamilyOptions&, BlockBasedTableOptions&)> change) {
  return {.database = {}, .family = std::move(change), .cache = {}};
}
OptionTrial in_churned(std::function<void(ColumnFamilyOptions&)> change) {
  return in_families(
      [change = std::move(change)](Family family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        if (family == Family::recency || family == Family::queue) change(options);
      });
}

std::vector<Trial> make_trials() {
  std::vector<Trial> trials;
  const auto add = [&](const char* name, const char* what, OptionTrial option) {
    trials.push_back({name, what, std::move(option)});
  };
  add("itself", "nothing changed: what differs is noise", {});
  add("jobs", "max_background_jobs 8, four threads each", in_database([](auto& options) {
        options.max_background_jobs = 8;
        options.env->SetBackgroundThreads(4, rocksdb::Env::HIGH);
        options.env->SetBackgroundThreads(4, rocksdb::Env::LOW);
      }));
  add("write-buffer-64", "db_write_buffer_size and the messages' buffer 64 MiB",
      {.database = [](auto& options) { options.db_write_buffer_size = size_t{64} << 20; },
       .family =
           [](Family family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
             if (family == Family::messages) options.write_buffer_size = size_t{64} << 20;
           },
       .cache = {}});
  add("write-buffer-4", "db_write_buffer_size 4 MiB",
      in_database([](auto& options) { options.db_write_buffer_size = size_t{4} << 20; }));
  add("wal-unbounded", "max_total_wal_size not set",
      in_database([](auto& options) { options.max_total_wal_size = 0; }));
  add("bytes-per-sync", "bytes_per_sync 0", in_database([](auto& options) { options.bytes_per_sync = 0; }));
  add("open-files", "max_open_files -1", in_database([](auto& options) { options.max_open_files = -1; }));
  add("stats-update", "skip_stats_update_on_db_open false",
      in_database([](auto& options) { options.skip_stats_update_on_db_open = false; }));
  add("cache-shards", "64 cache shards",
      {.database = {}, .family = {}, .cache = [](rocksdb::LRUCacheOptions& options) { options.num_shard_bits = 6; }});
  add("index-outside", "index and filter blocks outside of the cache",
      in_families([](Family, ColumnFamilyOptions&, BlockBasedTableOptions& table) {
        table.cache_index_and_filter_blocks = false;
      }));
  add("no-bloom", "no bloom filter",
      in_families([](Family, ColumnFamilyOptions&, BlockBasedTableOptions& table) { table.filter_policy.reset(); }));
  add("no-prefix", "no prefix extractor: whole keys only in the filters",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.prefix_extractor.reset();
        options.memtable_prefix_bloom_size_ratio = 0;
      }));
  add("block-4", "blocks of 4 KiB",
      in_families([](Family, ColumnFamilyOptions&, BlockBasedTableOptions& table) { table.block_size = 4096; }));
  add("block-32", "blocks of 32 KiB",
      in_families([](Family, ColumnFamilyOptions&, BlockBasedTableOptions& table) { table.block_size = 32768; }));
  add("no-compression", "no compression",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.compression = rocksdb::kNoCompression;
      }));
  add("zstd", "Zstandard instead of LZ4",
      in_families(
          [](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) { options.compression = rocksdb::kZSTD; }));
  add("static-levels", "level_compaction_dynamic_level_bytes false",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.level_compaction_dynamic_level_bytes = false;
      }));
  add("arena-default", "arena_block_size as RocksDB has it",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) { options.arena_block_size = 0; }));
  add("no-memtable-bloom", "no bloom filter in the messages' buffer",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.memtable_prefix_bloom_size_ratio = 0;
      }));
  add("churned-16k", "recency and queue: buffer 16 KiB", in_churned([](auto& options) {
        options.write_buffer_size = size_t{16} << 10;
        options.arena_block_size = size_t{4} << 10;
      }));
  add("churned-64k", "recency and queue: buffer 64 KiB",
      in_churned([](auto& options) { options.write_buffer_size = size_t{64} << 10; }));
  add("churned-1m", "recency and queue: buffer 1 MiB",
      in_churned([](auto& options) { options.write_buffer_size = size_t{1} << 20; }));
  add("churned-two-buffers", "recency and queue: two buffers",
      in_churned([](auto& options) { options.max_write_buffer_number = 2; }));
  add("churned-trigger", "recency and queue: compaction from four files",
      in_churned([](auto& options) { options.level0_file_num_compaction_trigger = 4; }));
  add("no-hint", "no place remembered for inserts in the buffer",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.memtable_insert_with_hint_prefix_extractor.reset();
      }));
  add("no-density", "no compaction by density of deletions",
      in_families([](Family, ColumnFamilyOptions& options, BlockBasedTableOptions&) {
        options.table_properties_collector_factories.clear();
      }));
  return trials;
}

// What one run measures, in this order.
constexpr std::array<const char*, 10> kMetrics = {"messages/s",   "commit p99 us",  "list moved us", "page us",
                                                  "page cold us", "miss us",        "open ms",       "idle MiB",
                                                  "disk MiB",     "deleted list us"};

double percentile(std::vector<double> values, size_t percent) {
  const size_t at = std::min(values.size() * percent / 100, values.size() - 1);
  std::nth_element(values.begin(), values.begin() + static_cast<long>(at), values.end());
  return values[at];
}

// Runs in a process of its own and prints one number for each metric.
class Measure {
 public:
  Measure(std::string directory, const OptionTrial& trial) : directory_(std::move(directory)), trial_(trial) {}

  void run() {
    open();
    const double messages_per_s = write();
    const double commit_p99 = commits();
    const double list = list_after_moves();
    const double page = read_page(200);
    reopen();
    const double cold = read_page(1);
    const double deleted_list = list_among_deleted();
    store_.reset();
    // A process that does nothing but open.
    std::printf("%f %f %f %f %f %f ", messages_per_s, commit_p99, list, page, cold, deleted_list);
  }
  void open_only() {
    const double ms = microseconds([&] { open(); }) / 1000;
    const double miss = misses();
    store_.reset();
    std::printf("%f %f\n", miss, ms);
  }
  void idle() {
    open();
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS")) std::printf("%f\n", std::strtod(line.c_str() + 6, nullptr) / 1024);
    }
  }

 private:
  void open() {
    StoreOptions options;
    options.directory = directory_;
    options.option_trial = &trial_;
    store_ = must(Store::open(options), "open");
  }
  void reopen() {
    store_.reset();
    open();
  }
  // 64 who talk at once, each with a long thread beside many short ones.
  double write() {
    std::vector<double> rates;
    for (int round = 0; round < 40; ++round) rates.push_back(store_messages_per_s(*store_, 64 * 40, round));
    return median(rates);
  }
  double commits() {
    std::vector<double> times;
    for (int i = 0; i < 300; ++i) {
      const Submit submit = question("single", "thread");
      Reply reply;
      times.push_back(microseconds([&] { reply = must(store_->execute(submit), "submit"); }));
      if (i == 0) incarnation_ = std::get<Submitted>(reply).incarnation;
      must(store_->execute(answer(submit, incarnation_)), "finish");
    }
    return percentile(times, 99);
  }
  // The first page of a list whose last moves were all this user's.
  double list_after_moves() {
    std::vector<double> times;
    {
      Pipeline pipeline(*store_);
      for (int i = 0; i < 2000; ++i) {
        const Submit submit = question("single", "thread");
        pipeline.send(submit);
        pipeline.send(answer(submit, incarnation_));
      }
    }
    const SessionsQuery query{.user = "single", .limit = 10, .bytes_max = size_t{1} << 20, .cursor = std::nullopt};
    for (int i = 0; i < 50; ++i) {
      times.push_back(microseconds([&] { must(store_->list_sessions(query, Tier::any), "sessions"); }));
    }
    return median(times);
  }
  double read_page(int times_each) {
    std::vector<double> times;
    for (size_t user = 0; user < kWriters; ++user) {
      const HistoryQuery query{.user = "user" + std::to_string(user),
                               .thread = "thread7",
                               .limit = 50,
                               .bytes_max = size_t{1} << 20,
                               .cursor = std::nullopt};
      for (int i = 0; i < times_each; ++i) {
        times.push_back(microseconds([&] { must(store_->read_history(query, Tier::any), "history"); }));
      }
    }
    return median(times);
  }
  double list_among_deleted() {
    for (size_t user = 0; user < kWriters; user += 2) {
      for (int round = 0; round < 39; ++round) {
        must(store_->execute(DeleteThread{"user" + std::to_string(user), "thread" + std::to_string(round)}), "delete");
      }
    }
    while (!must(store_->keep_house(), "keep house")) {
    }
    std::vector<double> times;
    for (int i = 0; i < 50; ++i) {
      const SessionsQuery query{.user = "user" + std::to_string(2 * (i % 32)),
                                .limit = 10,
                                .bytes_max = size_t{1} << 20,
                                .cursor = std::nullopt};
      times.push_back(microseconds([&] { must(store_->list_sessions(query, Tier::any), "sessions"); }));
    }
    return median(times);
  }
  // Threads that nobody has.
  double misses() {
    std::vector<double> times;
    for (int i = 0; i < 2000; ++i) {
      const std::string user = "user" + std::to_string(i % 64);
      times.push_back(microseconds([&] {
        if (must(store_->find_thread(user, "never" + std::to_string(i), Tier::any), "find")) std::abort();
      }));
    }
    return median(times);
  }

  std::string directory_;
  const OptionTrial& trial_;
  std::unique_ptr<Store> store_;
  uint64_t incarnation_ = 0;
};

std::string read_all(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) give_up("popen", Error(Code::io));
  char buffer[4096];
  for (size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, got);
  if (pclose(pipe) != 0) give_up(command.c_str(), Error(Code::io));
  return out;
}

// One value for each of kMetrics.
std::vector<double> run_once(const std::string& self, const Trial& trial, const std::string& directory) {
  std::filesystem::remove_all(directory);
  std::string words;
  for (const char* step : {"--measure", "--measure-open", "--measure-idle"}) {
    words += read_all(self + " " + step + " " + trial.name + " '" + directory + "' 2>/dev/null") + " ";
  }
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/db")) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  std::filesystem::remove_all(directory);
  double v[9];
  if (std::sscanf(words.c_str(), "%lf %lf %lf %lf %lf %lf %lf %lf %lf", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6,
                  v + 7, v + 8) != 9)
    give_up(words.c_str(), Error(Code::corrupt));
  return {v[0], v[1], v[2], v[3], v[4], v[6], v[7], v[8], static_cast<double>(bytes) / 1048576, v[5]};
}

void compare(const std::string& self, const Trial& trial, const Trial& ours, const std::string& directory, int rounds) {
  std::array<std::vector<double>, kMetrics.size()> base, tried;
  for (int round = 0; round < rounds; ++round) {
    for (const bool is_trial : {false, true}) {
      const std::vector<double> values = run_once(self, is_trial ? trial : ours, directory);
      for (size_t i = 0; i < kMetrics.size(); ++i) (is_trial ? tried : base)[i].push_back(values[i]);
    }
  }
  std::printf("%s: %s\n", trial.name, trial.what);
  for (size_t i = 0; i < kMetrics.size(); ++i) {
    const double a = median(base[i]), b = median(tried[i]);
    std::printf("    %-16s %10.1f %10.1f %8.2f\n", kMetrics[i], a, b, b / a);
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace bobbin::store

int main(int argc, char** argv) {
  using namespace bobbin::store;
  const std::vector<Trial> trials = make_trials();
  if (argc == 4 && std::strncmp(argv[1], "--measure", 9) == 0) {
    for (const Trial& trial : trials) {
      if (std::strcmp(trial.name, argv[2]) != 0) continue;
      Measure measure(argv[3], trial.option);
      if (std::strcmp(argv[1], "--measure") == 0) measure.run();
      if (std::strcmp(argv[1], "--measure-open") == 0) measure.open_only();
      if (std::strcmp(argv[1], "--measure-idle") == 0) measure.idle();
      return 0;
    }
    return 1;
  }
  int rounds = 3;
  std::string only;
  std::string directory =
      (std::filesystem::temp_directory_path() / ("bobbin-options-" + std::to_string(getpid()))).string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0)
      rounds = std::max(1, static_cast<int>(std::strtol(argv[i + 1], nullptr, 10)));
    if (std::strcmp(argv[i], "--only") == 0) only = argv[i + 1];
    if (std::strcmp(argv[i], "--directory") == 0) directory = argv[i + 1];
  }
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::printf("    %-16s %10s %10s %8s   (medians of %d rounds)\n", "", "ours", "trial", "ratio", rounds);
  for (const Trial& trial : trials) {
    if (only.empty() || only == trial.name) compare(self, trial, trials[0], directory, rounds);
  }
  return 0;
}
