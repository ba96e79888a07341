#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

// Deletion: the thread is out of reach in one small batch, however long it was. Its rows go later, in bounded pieces
// (FORMAT.md, "Deletion").
namespace bobbin::store {

Result<Reply> Applier::apply(DeleteThread& command) {
  if (!check_ids(command.user, command.thread)) return fail(Code::not_found, 0, "thread");
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  if (!state->exists) return fail(Code::not_found, 0, "thread");
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  return delete_thread(command.user, command.thread, *state, *owner);
}

Result<Reply> Applier::apply(ExpireThread& command) {
  TRY(check_ids(command.user, command.thread));
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  const bool is_due = state->exists && state->summary.incarnation == command.incarnation && !state->has_active() &&
                      state->waiting.empty() && state->summary.updated_us <= command.idle_since_us;
  if (!is_due) return Deleted{};
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  return delete_thread(command.user, command.thread, *state, *owner);
}

Deleted Applier::delete_thread(const std::string& user, const std::string& thread, ThreadState& state,
                               UserState& owner) {
  const ThreadSummary& summary = state.summary;
  Deleted deleted{.sessions = 1, .messages = summary.total_messages, .cancelled = {}};
  Change change(batch_, ChangeOperation::thread_deleted, user, thread, wall_clock_());
  const auto remove_queued = [&](uint64_t position, const Uuid& run_id, bool active) {
    deleted.cancelled.push_back({thread, run_id, active});
    std::string key;
    append_queue_key(key, user, thread, position);
    batch_.remove(Family::queue, key);
  };
  if (state.has_active()) remove_queued(state.active_position, summary.active_run, true);
  for (const WaitingSubmit& waiting : state.waiting) remove_queued(waiting.position, waiting.run_id, false);
  remove_thread(user, summary);
  change.seal(summary.incarnation, Uuid{});

  // The stamp stays: the next thread on top must be newer than this one was.
  if (owner.top_thread == thread) owner.top_thread.clear();
  const uint64_t stamp_floor = summary.last_stamp;
  state = ThreadState{};
  state.summary.stamp_floor = stamp_floor;
  state.changed_in_group = group_;
  return deleted;
}

Result<Reply> Applier::apply(DeleteUserThreads& command) {
  if (command.user.empty() || command.user.size() > 128) return Deleted{};
  std::string first;
  append_user_prefix(first, command.user);
  const std::string end = prefix_end(first);

  // The batch was committed before this command, so the rows on disk are all there is.
  Deleted deleted;
  std::vector<ThreadSummary> summaries;
  Scan threads(database_, Family::threads, Scan::Within::one_owner, read_options(), first, end);
  for (; threads.valid(); threads.next()) {
    const auto key = parse_thread_key(threads.key());
    if (!key) return fail(corrupt_row(Family::threads, threads.key(), Error(Code::corrupt, 0, "not a thread key")));
    auto summary = decode_summary(threads.value(), key->thread);
    if (!summary) return fail(corrupt_row(Family::threads, threads.key(), summary.error()));
    ++deleted.sessions;
    deleted.messages += summary->total_messages;
    summaries.push_back(std::move(*summary));
  }
  TRY(threads.status());
  if (deleted.sessions == 0) return deleted;
  std::vector<std::string> queue_keys;
  Scan queue(database_, Family::queue, Scan::Within::family, read_options(), first, end);
  for (; queue.valid(); queue.next()) {
    const auto entry = decode_queue(queue.value());
    const auto key = parse_queue_key(queue.key());
    if (!entry) return fail(corrupt_row(Family::queue, queue.key(), entry.error()));
    if (!key) return fail(corrupt_row(Family::queue, queue.key(), Error(Code::corrupt, 0, "not a queue key")));
    deleted.cancelled.push_back({std::string(key->thread), entry->run_id, entry->state == RunState::running});
    queue_keys.emplace_back(queue.key());
  }
  TRY(queue.status());

  // Nothing fails from here on.
  Change change(batch_, ChangeOperation::user_threads_deleted, command.user, {}, wall_clock_());
  for (const ThreadSummary& summary : summaries) remove_thread(command.user, summary);
  for (const std::string& key : queue_keys) batch_.remove(Family::queue, key);
  change.seal(0, Uuid{});
  states_.clear();
  return deleted;
}

void Applier::remove_thread(const std::string& user, const ThreadSummary& summary) {
  std::string key;
  append_thread_prefix(key, user, summary.thread);
  batch_.remove(Family::threads, key);
  remove_recency(user, summary);
  key.clear();
  append_erasure_key(key, user, summary.thread, batch_.next_sequence());
  std::string value;
  append_erasure_record(value, {.stage = ErasureRecord::Stage::rows,
                                .incarnation = summary.incarnation,
                                .last_stamp = summary.last_stamp,
                                .recency_stamp = summary.recency_stamp,
                                .deleted_us = wall_clock_()});
  batch_.put(Family::erasures, key, value);
}

}  // namespace bobbin::store
