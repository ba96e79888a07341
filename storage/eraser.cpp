#include "storage/eraser.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "src/base/log.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

// One piece of a purge: small beside a group, so that submits hardly wait behind it.
constexpr size_t kPieceRowsMax = 512;
// From so many dead threads of one user on, all of the user's range is compacted at once.
constexpr size_t kThreadsBeforeWholeUser = 8;
// How long to wait for RocksDB to delete files that it no longer needs: it does so on a thread of its own.
constexpr int kFileWaitsMax = 100;
constexpr auto kFileWait = std::chrono::milliseconds(20);

// Where rows with text, and older versions of them, can lie.
constexpr std::array kFamiliesByThread = {Family::messages, Family::threads, Family::queue, Family::runs,
                                          Family::annotations};

// The data and log files in the database's folder, by name.
std::set<std::string> files_of(rocksdb::DB& db) {
  std::vector<std::string> children;
  static_cast<void>(db.GetEnv()->GetChildren(db.GetName(), &children));  // none listed: none waited for
  std::set<std::string> files;
  for (std::string& child : children) {
    if (child.ends_with(".sst") || child.ends_with(".log")) files.insert(std::move(child));
  }
  return files;
}

// An empty log holds nothing, and can stay for long: it goes only after something else was flushed.
bool is_log_with_bytes(rocksdb::DB& db, const std::string& file) {
  if (!file.ends_with(".log")) return false;
  uint64_t bytes = 0;
  const rocksdb::Status status = db.GetEnv()->GetFileSize(db.GetName() + "/" + file, &bytes);
  return !status.IsNotFound() && !status.IsPathNotFound() && (!status.ok() || bytes > 0);
}

// Names have their numbers in a fixed width.
std::string newest_log(const std::set<std::string>& files) {
  std::string newest;
  for (const std::string& file : files) {
    if (file.ends_with(".log")) newest = file;
  }
  return newest;
}

std::set<std::string> live_tables(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  db.GetLiveFilesMetaData(&tables);
  std::set<std::string> names;
  for (const rocksdb::LiveFileMetaData& table : tables) {
    names.insert(table.name.starts_with('/') ? table.name.substr(1) : table.name);
  }
  return names;
}

}  // namespace

Result<bool> Eraser::run() {
  TRY(begin_round());
  for (auto round = rounds_.begin(); round != rounds_.end() && !parts_.stop;) {
    TRY_ASSIGN(const bool is_done, go_on(*round));
    round = is_done ? rounds_.erase(round) : std::next(round);
  }
  return rounds_.empty() && !parts_.stop;
}

Result<bool> Eraser::begin_round() {
  TRY_ASSIGN(std::vector<Erasure> erasures, waiting());
  std::erase_if(erasures, [&](const Erasure& erasure) {
    return std::any_of(rounds_.begin(), rounds_.end(), [&](const Round& round) {
      return std::any_of(round.erasures.begin(), round.erasures.end(), [&](const Erasure& taken) {
        return taken.deletion == erasure.deletion && taken.user == erasure.user && taken.thread == erasure.thread;
      });
    });
  });
  if (erasures.empty()) return false;
  for (const Erasure& erasure : erasures) {
    if (erasure.record.stage == ErasureRecord::Stage::rows) TRY(purge(erasure));
    if (parts_.stop) return false;
  }
  Round& round = rounds_.emplace_back();
  round.erasures = std::move(erasures);
  round.run_log_end = parts_.seal_run_log();
  return true;
}

Result<bool> Eraser::go_on(Round& round) {
  if (!round.tables_rewritten) TRY(rewrite_files(round));
  TRY_ASSIGN(const bool log_is_clean, parts_.erase_run_log(round.run_log_end));
  if (!round.tables_rewritten || !log_is_clean || parts_.stop) return false;
  if (!wait_for_files(round)) {
    if (parts_.stop || !has_dead_log(round)) return false;
    TRY(begin_log(round));
    if (!wait_for_files(round)) return false;
  }
  for (const Erasure& erasure : round.erasures) {
    TRY(parts_.execute(EndErasure{erasure.user, erasure.thread, erasure.deletion}));
  }
  log::debug("deleted threads erased", {{"count", round.erasures.size()}});
  return true;
}

Result<std::vector<Eraser::Erasure>> Eraser::waiting() const {
  std::vector<Erasure> erasures;
  Scan scan(parts_.database, Family::erasures, Scan::Within::family, read_options(), std::string("\x01", 1),
            std::string("\xff", 1));
  for (; scan.valid(); scan.next()) {
    const auto key = parse_erasure_key(scan.key());
    if (!key) return fail(corrupt_row(Family::erasures, scan.key(), Error(Code::corrupt, 0, "not an erasure key")));
    auto record = decode_erasure(scan.value());
    if (!record) return fail(corrupt_row(Family::erasures, scan.key(), record.error()));
    erasures.push_back({std::string(key->user), std::string(key->thread), key->sequence, *record});
  }
  TRY(scan.status());
  return erasures;
}

Result<void> Eraser::purge(const Erasure& erasure) {
  std::string prefix;
  append_thread_prefix(prefix, erasure.user, erasure.thread);
  const std::string end = prefix_end(prefix);
  // Keys end in ~order: from the dead thread's newest stamp on, everything is older, and dead.
  std::string newest;
  append_message_key(newest, erasure.user, erasure.thread, erasure.record.last_stamp);
  std::vector<DeadRow> rows;
  TRY(purge_family(erasure, Family::messages, newest, end, rows));
  TRY(purge_family(erasure, Family::annotations, newest, end, rows));
  TRY(purge_family(erasure, Family::runs, prefix, end, rows));
  if (parts_.stop) return {};
  return send(erasure, rows, true);
}

Result<void> Eraser::purge_family(const Erasure& erasure, Family family, std::string first, const std::string& end,
                                  std::vector<DeadRow>& rows) {
  rocksdb::ReadOptions options = read_options();
  options.fill_cache = false;
  Scan scan(parts_.database, family, Scan::Within::one_owner, options, std::move(first), end);
  for (; scan.valid() && !parts_.stop; scan.next()) {
    if (family == Family::runs) {
      const auto run = decode_run(scan.value());
      if (!run) return fail(corrupt_row(Family::runs, scan.key(), run.error()));
      if (run->incarnation > erasure.record.incarnation) continue;  // of the thread that was made after
    }
    rows.push_back({family, std::string(scan.key())});
    if (rows.size() >= kPieceRowsMax) TRY(send(erasure, rows, false));
  }
  return scan.status();
}

Result<void> Eraser::send(const Erasure& erasure, std::vector<DeadRow>& rows, bool is_last) {
  TRY(parts_.execute(PurgeRows{.user = erasure.user,
                               .thread = erasure.thread,
                               .deletion = erasure.deletion,
                               .rows = std::exchange(rows, {}),
                               .is_last = is_last}));
  return {};
}

// After the flush every write-ahead log that was there before is of no use any more; after the compactions every table
// that held such a row is replaced. What then is still in the folder but not alive waits to be deleted.
Result<void> Eraser::rewrite_files(Round& round) {
  const std::vector<Erasure>& erasures = round.erasures;
  rocksdb::DB& db = parts_.database.db();
  std::set<std::string> dead;
  for (const std::string& file : files_of(db)) {
    if (is_log_with_bytes(db, file)) dead.insert(file);
  }
  TRY(flush_all());
  // Nothing was in memory, then the newest log is empty, and stays.
  if (const std::set<std::string> after = files_of(db); newest_log(after) == newest_log(dead)) {
    dead.erase(newest_log(dead));
  }
  for (size_t i = 0; i < erasures.size() && !parts_.stop;) {
    const std::string& user = erasures[i].user;
    size_t next = i + 1;
    while (next < erasures.size() && erasures[next].user == user) ++next;
    std::string user_prefix;
    append_user_prefix(user_prefix, user);
    const std::string user_end = prefix_end(user_prefix);
    const bool is_whole_user = next - i >= kThreadsBeforeWholeUser;
    for (size_t at = i; at < (is_whole_user ? i + 1 : next); ++at) {
      std::string first = user_prefix;
      if (!is_whole_user) {
        first.clear();
        append_thread_prefix(first, user, erasures[at].thread);
      }
      for (const Family family : kFamiliesByThread) {
        TRY(compact(first, is_whole_user ? user_end : prefix_end(first), family));
      }
    }
    TRY(compact(user_prefix, user_end, Family::recency));
    i = next;
  }
  // Looks for files to delete now; without it some wait for the next flush. A backup's hold on them is respected.
  static_cast<void>(db.DisableFileDeletions());
  static_cast<void>(db.EnableFileDeletions(/*force=*/false));
  const std::set<std::string> live = live_tables(db);
  for (const std::string& file : files_of(db)) {
    if (file.ends_with(".sst") && !live.contains(file)) dead.insert(file);
  }
  round.dead_files = std::move(dead);
  round.tables_rewritten = !parts_.stop;
  return {};
}

bool Eraser::wait_for_files(const Round& round) const {
  const std::set<std::string>& dead = round.dead_files;
  for (int waits = 0; waits < kFileWaitsMax && !parts_.stop; ++waits) {
    const std::set<std::string> left = files_of(parts_.database.db());
    // One that was not alive yet, as the output of a compaction of other rows that was just being made, is by now.
    const std::set<std::string> live = live_tables(parts_.database.db());
    const bool some_are_left = std::any_of(
        dead.begin(), dead.end(), [&](const std::string& file) { return left.contains(file) && !live.contains(file); });
    if (!some_are_left) return true;
    std::this_thread::sleep_for(kFileWait);
  }
  return false;
}

bool Eraser::has_dead_log(const Round& round) const {
  const std::set<std::string> left = files_of(parts_.database.db());
  return std::any_of(round.dead_files.begin(), round.dead_files.end(),
                     [&](const std::string& file) { return file.ends_with(".log") && left.contains(file); });
}

Result<void> Eraser::begin_log(const Round& round) {
  // A row that is there already: a log that is empty would be kept instead.
  const Erasure& any = round.erasures.front();
  TRY(parts_.execute(
      PurgeRows{.user = any.user, .thread = any.thread, .deletion = any.deletion, .rows = {}, .is_last = true}));
  return flush_all();
}

Result<void> Eraser::flush_all() {
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  for (size_t i = 1; i <= kFamilyCount; ++i) families.push_back(parts_.database.family(static_cast<Family>(i)));
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;  // never waits for compactions: a flush of what is small now is soon done
  if (const rocksdb::Status status = parts_.database.db().Flush(options, families); !status.ok()) {
    return fail(from_rocksdb(status));
  }
  return {};
}

Result<void> Eraser::compact(std::string_view first, std::string_view end, Family family) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.allow_write_stall = true;
  options.canceled = &parts_.stop;
  const rocksdb::Slice from = to_slice(first);
  const rocksdb::Slice to = to_slice(end);
  const rocksdb::Status status = parts_.database.db().CompactRange(options, parts_.database.family(family), &from, &to);
  if (!status.ok() && !status.IsIncomplete()) return fail(from_rocksdb(status));  // incomplete: it was asked to stop
  return {};
}

}  // namespace bobbin::store
