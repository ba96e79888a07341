#include "storage/recovery.h"

#include "src/base/bytes.h"
#include "src/base/json.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

// A stream's first event is `start`; without the log nobody knows how many came after it.
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

FinishRun interrupted(const QueueKey& key, const Uuid& run_id, const RunRecord& run, std::optional<LoggedRun> logged) {
  FinishRun finish;
  finish.user = key.user;
  finish.thread = key.thread;
  finish.incarnation = run.incarnation;
  finish.run_id = run_id;
  finish.outcome = RunOutcome::interrupted;
  finish.start_next = false;  // the server decides when it is ready to run
  finish.terminal_event_id = (logged ? std::max(logged->last_event_id, kStartEventId) : kStartEventId) + 1;
  const bool has_text = logged && !(logged->content.empty() && logged->reasoning.empty() && logged->tool_steps.empty());
  json::Object event(finish.terminal_event);
  event.field("type", "interrupted").field("thread_id", key.thread);
  if (has_text) event.field("message_id", run.message_id.to_string());
  event.field("run_id", run_id.to_string()).close();
  if (has_text) {
    Answer& answer = finish.answer.emplace();
    answer.content = std::move(logged->content);
    answer.reasoning = std::move(logged->reasoning);
    answer.model = std::move(logged->model);
    answer.tool_steps = std::move(logged->tool_steps);
    answer.status = MessageStatus::interrupted;
  }
  return finish;
}

}  // namespace

Result<std::vector<FinishRun>> interrupted_runs(const Database& database, RunLogReader* run_log) {
  std::vector<FinishRun> runs;
  Scan scan(database, Family::queue, Scan::Within::family, read_options(), std::string("\x01", 1),
            std::string("\xff", 1));
  for (; scan.valid(); scan.next()) {
    const auto key = parse_queue_key(scan.key());
    if (!key) return fail(corrupt_row(Family::queue, scan.key(), Error(Code::corrupt, 0, "not a queue key")));
    auto entry = decode_queue(scan.value());
    if (!entry) return fail(corrupt_row(Family::queue, scan.key(), entry.error()));
    if (entry->state != RunState::running) continue;
    TRY_ASSIGN(const RunRecord run, read_run(database, *key, entry->run_id));
    std::optional<LoggedRun> logged;
    if (run_log != nullptr) {
      TRY_ASSIGN(logged, run_log->read_run(entry->run_id));
    }
    runs.push_back(interrupted(*key, entry->run_id, run, std::move(logged)));
  }
  TRY(scan.status());
  return runs;
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
