#include "storage/recovery.h"

#include "src/base/bytes.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/base/text.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

// A stream's first event is `start`; where the log has nothing (a power cut), nobody knows how many came after it.
constexpr uint64_t kStartEventId = 1;

Result<RunRecord> read_run(const Database& database, const QueueKey& queue_key, const Uuid& run_id) {
  std::string key;
  append_run_key(key, queue_key.user, queue_key.thread, run_id);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database.get(read_options(), Family::runs, key, value));
  if (!found) return fail(corrupt_row(Family::runs, key, Error(Code::corrupt, 0, "active run has no record")));
  auto run = decode_run(to_view(value));
  if (!run) return fail(corrupt_row(Family::runs, key, run.error()));
  return run;
}

struct ActiveRun {
  std::string user;
  std::string thread;
  Uuid run_id;
  RunRecord record;
};

Result<std::vector<ActiveRun>> active_runs(const Database& database) {
  std::vector<ActiveRun> runs;
  Scan scan(database, Family::queue, Scan::Within::family, read_options(), std::string("\x01", 1),
            std::string("\xff", 1));
  for (; scan.valid(); scan.next()) {
    const auto key = parse_queue_key(scan.key());
    if (!key) return fail(corrupt_row(Family::queue, scan.key(), Error(Code::corrupt, 0, "not a queue key")));
    auto entry = decode_queue(scan.value());
    if (!entry) return fail(corrupt_row(Family::queue, scan.key(), entry.error()));
    if (entry->state != RunState::running) continue;
    TRY_ASSIGN(RunRecord record, read_run(database, *key, entry->run_id));
    runs.push_back({std::string(key->user), std::string(key->thread), entry->run_id, std::move(record)});
  }
  TRY(scan.status());
  return runs;
}

// Frames hold whole characters, so this changes nothing unless something else is wrong.
std::string checked_utf8(std::string text, const Uuid& run_id) {
  if (is_utf8(text)) return text;
  log::warn("the run log has text that is not UTF-8", {{"run_id", run_id.to_string()}});
  return to_utf8_lossy(text);
}

FinishRun interrupted(const ActiveRun& run, std::optional<LoggedRun> logged) {
  FinishRun finish;
  finish.user = run.user;
  finish.thread = run.thread;
  finish.incarnation = run.record.incarnation;
  finish.run_id = run.run_id;
  finish.outcome = RunOutcome::interrupted;
  finish.start_next = false;  // the server decides when it is ready to run
  finish.terminal_event_id = (logged ? std::max(logged->last_event_id, kStartEventId) : kStartEventId) + 1;
  const bool has_text = logged && !(logged->content.empty() && logged->reasoning.empty() && logged->tool_steps.empty());
  json::Object event(finish.terminal_event);
  event.field("type", "interrupted").field("thread_id", run.thread);
  if (has_text) event.field("message_id", run.record.message_id.to_string());
  event.field("run_id", run.run_id.to_string()).close();
  if (has_text) {
    Answer& answer = finish.answer.emplace();
    answer.content = checked_utf8(std::move(logged->content), run.run_id);
    answer.reasoning = checked_utf8(std::move(logged->reasoning), run.run_id);
    answer.model = checked_utf8(std::move(logged->model), run.run_id);
    answer.tool_steps = std::move(logged->tool_steps);
    answer.status = MessageStatus::interrupted;
  }
  return finish;
}

}  // namespace

Result<std::vector<FinishRun>> interrupted_runs(const Database& database, RunLog& run_log) {
  TRY_ASSIGN(const std::vector<ActiveRun> active, active_runs(database));
  std::vector<RunLog::RunToRead> to_read;
  to_read.reserve(active.size());
  for (const ActiveRun& run : active) to_read.push_back({run.run_id, run.record.started_us});
  TRY_ASSIGN(std::vector<std::optional<LoggedRun>> logged, run_log.read_runs(to_read));
  std::vector<FinishRun> finishes;
  finishes.reserve(active.size());
  for (size_t i = 0; i < active.size(); ++i) finishes.push_back(interrupted(active[i], std::move(logged[i])));
  return finishes;
}

Result<uint64_t> read_last_sequence(const Database& database) {
  const std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(read_options(), database.family(Family::changes)));
  it->SeekToLast();
  if (!it->status().ok()) return fail(from_rocksdb(it->status()));
  if (!it->Valid()) return 0;
  const std::string_view key = to_view(it->key());
  if (key.size() != 8) {
    return fail(corrupt_row(Family::changes, key, Error(Code::corrupt, 0, "not a change key")));
  }
  return load_be64(key.data());
}

}  // namespace bobbin::store
