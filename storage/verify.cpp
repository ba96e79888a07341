#include "storage/verify.h"

#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>

#include <memory>

#include "storage/key_layout.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "storage/row_check.h"
#include "storage/verify_changes.h"
#include "storage/verify_run_log.h"
#include "storage/verify_thread.h"

// The passes: RocksDB's files, the change log, thread by thread, recency, and all other families row by row.
namespace bobbin::store {
namespace {

// The families whose keys begin with user and thread, in the order in which ThreadCheck wants them.
constexpr std::array<Family, 6> kThreadFamilies{Family::threads, Family::erasures,    Family::queue,
                                                Family::runs,    Family::annotations, Family::messages};
// Looked at row by row. changes, feed, recency and those above have passes of their own.
constexpr std::array<Family, 9> kPlainFamilies{Family::idempotency, Family::bookmarks, Family::counters,
                                               Family::settings,    Family::search,    Family::meta,
                                               Family::accounts,    Family::shares,    Family::keys};
static_assert(kThreadFamilies.size() + kPlainFamilies.size() + 3 == kFamilyCount);

constexpr uint64_t kRowsBetweenReports = 1024;
constexpr char kTables[] = "files";
constexpr std::string_view kFollowerPrefix = "follower/";

// One moment of the store for all reads of a pass.
class Moment {
 public:
  explicit Moment(const Database& database) : snapshot_(&database.db()) {
    options_.snapshot = snapshot_.snapshot();
    options_.fill_cache = false;  // everything is read once: what others read stays in memory
    options_.readahead_size = 256 * 1024;
    options_.total_order_seek = true;
  }
  [[nodiscard]] const rocksdb::ReadOptions& options() const noexcept { return options_; }

 private:
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions options_;
};

class Verifier {
 public:
  Verifier(const Database& database, const VerifyOptions& options, Watch& watch)
      : database_(database),
        options_(options),
        watch_(watch),
        findings_(report_, options.problems_max),
        fixes_(database, options.repair) {}

  Result<VerifyReport> run() {
    if (options_.files) {
      TRY(check_files());
      if (report_.problem_count > 0) fixes_.give_up();
      TRY(check_run_log(database_, findings_, watch_));
    }
    {
      const Moment moment(database_);
      TRY(check_changes(moment));
      if (newest_change_ == 0) newest_change_ = report_.last_sequence;
      TRY(check_threads(moment));
      for (const Family family : kPlainFamilies) TRY(check_rows(moment, family));
      if (!options_.repair) TRY(check_recency(moment));
    }
    TRY(fixes_.commit());
    // What the repair of threads has written must not be taken for rows that are in nobody's summary.
    if (options_.repair) TRY(check_recency(Moment(database_)));
    TRY(fixes_.commit());
    return std::move(report_);
  }

 private:
  using Iterator = std::unique_ptr<rocksdb::Iterator>;

  Result<void> check_files();
  Result<void> check_changes(const Moment& moment);
  Result<void> check_threads(const Moment& moment);
  Result<void> check_recency(const Moment& moment);
  Result<void> check_rows(const Moment& moment, Family family);

  Iterator first_row(const Moment& moment, Family family) const {
    Iterator it(database_.db().NewIterator(moment.options(), database_.family(family)));
    it->SeekToFirst();
    return it;
  }
  Result<void> count_row(Family family, const rocksdb::Iterator& it) {
    findings_.count_row(family, it.key().size() + it.value().size());
    if (++rows_ % kRowsBetweenReports == 0) return report_progress("reading", rows_, 0, "rows");
    return {};
  }
  Result<void> report_progress(const char* stage, uint64_t done, uint64_t total, const char* unit) {
    if (watch_.is_cancelled()) return fail(Code::cancelled, 0, "cancelled");
    watch_.on_progress({stage, done, total, unit});
    return {};
  }
  // After a scan: damage ends it early, which is a problem of its own. `last_row`: empty, there was none. True: the end
  // was reached.
  Result<bool> reached_end(Family family, const rocksdb::Iterator& it, const std::string& last_row) {
    if (it.status().ok()) return true;
    if (!it.status().IsCorruption()) return fail(from_rocksdb(it.status()));
    fixes_.give_up();
    findings_.add_file(family_name(family), last_row.empty() ? "the first row" : "after " + last_row,
                       "cannot be read: " + it.status().ToString());
    return false;
  }
  Result<bool> reached_end(Family family, const rocksdb::Iterator& it) {
    return reached_end(family, it, last_key_.empty() ? "" : describe_key(family, last_key_));
  }

  const Database& database_;
  const VerifyOptions& options_;
  Watch& watch_;
  VerifyReport report_;
  Findings findings_;
  Fixes fixes_;
  uint64_t rows_ = 0;
  uint64_t newest_change_ = 0;  // UINT64_MAX: not known, as not all of the change log can be read
  std::string last_key_;
};

// Each file by itself: the damaged one is named, and the work can end between two. A file that is gone was replaced by
// a compaction, which has read it.
Result<void> Verifier::check_files() {
  std::vector<rocksdb::LiveFileMetaData> files;
  database_.db().GetLiveFilesMetaData(&files);
  uint64_t total = 0;
  uint64_t done = 0;
  for (const auto& file : files) total += file.size;
  for (const auto& file : files) {
    TRY(report_progress("checksums", done, total, "bytes"));
    const std::string path = file.db_path + file.name;
    rocksdb::Options options(read_only_options(database_.env()), family_options(Family::meta, nullptr));
    rocksdb::SstFileReader reader(options);
    rocksdb::Status status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum();
    done += file.size;
    if (status.ok()) {
      ++report_.files;
    } else if (status.IsCorruption()) {
      findings_.add_file(kTables, path, "of family " + file.column_family_name + ": " + status.ToString());
    } else if (!database_.env()->FileExists(path).IsNotFound()) {
      return fail(from_rocksdb(status));
    }
  }
  return {};
}

Result<void> Verifier::check_changes(const Moment& moment) {
  ChangeLogCheck check(database_, moment.options(), findings_, fixes_);
  for (const Family family : {Family::changes, Family::feed}) {
    const Iterator it = first_row(moment, family);
    last_key_.clear();
    for (; it->Valid(); it->Next()) {
      TRY(count_row(family, *it));
      last_key_ = it->key().ToString();
      TRY(family == Family::changes ? check.on_change(last_key_, to_view(it->value()))
                                    : check.on_feed_event(last_key_, to_view(it->value())));
    }
    // What cannot be read must not be taken for what is not there.
    TRY_ASSIGN(const bool whole, reached_end(family, *it));
    if (!whole) newest_change_ = UINT64_MAX;
    if (!whole) return {};
    if (family == Family::changes) TRY(check.finish_changes());
  }
  return {};
}

// Walks the families side by side, one thread at a time: what comes first in any of them is next.
Result<void> Verifier::check_threads(const Moment& moment) {
  std::array<Iterator, kThreadFamilies.size()> rows;
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = first_row(moment, kThreadFamilies[i]);
  std::string user;
  std::string last_prefix;
  for (;;) {
    std::string prefix;
    for (size_t i = 0; i < rows.size(); ++i) {
      // A key without user and thread belongs to nobody: named, and stepped over.
      while (rows[i]->Valid() && thread_prefix_bytes(to_view(rows[i]->key())) == 0) {
        TRY(count_row(kThreadFamilies[i], *rows[i]));
        findings_.add(kThreadFamilies[i], to_view(rows[i]->key()), "key does not fit its layout");
        rows[i]->Next();
      }
      if (!rows[i]->Valid()) continue;
      const std::string_view key = to_view(rows[i]->key());
      const std::string_view own = key.substr(0, thread_prefix_bytes(key));
      if (prefix.empty() || own < prefix) prefix = own;
    }
    if (prefix.empty()) break;
    const std::string last_row = last_prefix.empty() ? "" : describe_key(Family::threads, last_prefix);
    last_prefix = prefix;
    ThreadCheck check(database_, moment.options(), newest_change_, findings_, fixes_, prefix);
    for (size_t i = 0; i < rows.size(); ++i) {
      for (; rows[i]->Valid() && to_view(rows[i]->key()).starts_with(prefix); rows[i]->Next()) {
        TRY(count_row(kThreadFamilies[i], *rows[i]));
        last_key_ = rows[i]->key().ToString();
        if (thread_prefix_bytes(last_key_) != prefix.size())
          continue;  // cannot be: prefixes are no prefixes of another
        check.on_row(kThreadFamilies[i], last_key_, to_view(rows[i]->value()));
      }
      // Without all its rows nothing can be said of this thread, nor of any after it.
      TRY_ASSIGN(const bool whole, reached_end(kThreadFamilies[i], *rows[i], last_row));
      if (!whole) return {};
    }
    TRY(check.finish());
    if (!check.exists()) continue;
    ++report_.threads;
    const std::string_view owner = std::string_view(prefix).substr(0, user_prefix_bytes(prefix));
    if (owner != user) ++report_.users;
    user = owner;
  }
  for (size_t i = 0; i < rows.size(); ++i) TRY(reached_end(kThreadFamilies[i], *rows[i], "the last thread"));
  return {};
}

// Each thread's own row was compared with its summary; here are the rows that no summary names.
Result<void> Verifier::check_recency(const Moment& moment) {
  const Iterator it = first_row(moment, Family::recency);
  last_key_.clear();
  for (; it->Valid(); it->Next()) {
    TRY(count_row(Family::recency, *it));
    last_key_ = it->key().ToString();
    const auto key = parse_recency_key(last_key_);
    if (!key) {
      findings_.add(Family::recency, last_key_, "key does not fit its layout", fixes_.mark());
      fixes_.remove(Family::recency, last_key_);
      continue;
    }
    std::string thread_key;
    append_thread_prefix(thread_key, key->user, key->thread);
    rocksdb::PinnableSlice value;
    TRY_ASSIGN(const Lookup found, look_up(database_, moment.options(), Family::threads, thread_key, value));
    const auto summary = found == Lookup::found ? decode_summary(to_view(value), key->thread) : fail(Code::not_found);
    if (summary && summary->recency_stamp == key->stamp) continue;
    if (found != Lookup::absent && !summary) continue;  // reported with its thread; this may be what is left of it
    findings_.add(Family::recency, last_key_,
                  found == Lookup::found ? "its thread has another row" : "its thread does not exist", fixes_.mark());
    fixes_.remove(Family::recency, last_key_);
    TRY(fixes_.commit_if_large());
  }
  TRY(reached_end(Family::recency, *it));
  return {};
}

Result<void> Verifier::check_rows(const Moment& moment, Family family) {
  const Iterator it = first_row(moment, family);
  last_key_.clear();
  for (; it->Valid(); it->Next()) {
    TRY(count_row(family, *it));
    last_key_ = it->key().ToString();
    if (family == Family::meta && last_key_ == kFirstChangeKey) continue;  // judged with the change log
    const auto checked = check_row(family, last_key_, to_view(it->value()));
    if (!checked) {
      findings_.add(family, last_key_, checked.error().detail);
    } else if (family == Family::meta && last_key_.starts_with(kFollowerPrefix) &&
               *decode_number(to_view(it->value())) > report_.last_sequence) {
      findings_.add(family, last_key_, "it is ahead of the change log");
    }
  }
  TRY(reached_end(family, *it));
  return {};
}

}  // namespace

Result<VerifyReport> verify(const Database& database, const VerifyOptions& options, Watch& watch) {
  return Verifier(database, options, watch).run();
}

Result<VerifyOutcome> verify_directory(const std::string& directory, const VerifyOptions& options, Watch& watch) {
  constexpr size_t kCacheBytes = 8 * 1024 * 1024;
  TRY_ASSIGN(const auto database,
             Database::open_existing(directory, options.repair ? Database::Access::write : Database::Access::read,
                                     {kCacheBytes, nullptr}));
  VerifyOutcome outcome;
  TRY_ASSIGN(outcome.found, verify(*database, options, watch));
  if (!options.repair || outcome.found.is_clean()) {
    outcome.left = outcome.found;
    return outcome;
  }
  VerifyOptions again = options;
  again.repair = false;
  again.files = false;  // read a moment ago
  TRY_ASSIGN(outcome.left, verify(*database, again, watch));
  // Damaged files are not mended by anything here.
  for (const Problem& problem : outcome.found.problems) {
    if (problem.family != kTables && problem.family != kRunLogKind) continue;
    outcome.left.problems.push_back(problem);
    ++outcome.left.problem_count;
  }
  return outcome;
}

}  // namespace bobbin::store
