#include <algorithm>

#include "src/base/limits.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

// Into the queue, or past it, and out of it before its turn.
namespace bobbin::store {
namespace {

bool waits(const ThreadState& state, const Uuid& run_id) {
  return std::any_of(state.waiting.begin(), state.waiting.end(),
                     [&](const WaitingSubmit& waiting) { return waiting.run_id == run_id; });
}

Result<void> check(const Submit& command) {
  TRY(check_ids(command.user, command.thread));
  if (command.content.size() > kCommandBytesMax || command.options.size() > kCommandBytesMax) {
    return fail(Code::too_large, 0, "message");
  }
  if (command.run_id.is_zero()) return fail(Code::invalid, 0, "run id is missing");
  if (command.request.key.size() > limits::kIdempotencyKeyBytesMax)
    return fail(Code::invalid, 0, "Idempotency-Key has 1 to 128 bytes");
  if (command.kind == SubmitKind::regenerate || (command.kind != SubmitKind::message && command.parent))
    return fail(Code::invalid, 0, "a continuation goes on where the active branch ends");
  return {};
}

}  // namespace

Result<Reply> Applier::apply(Submit& command) {
  TRY(check(command));
  TRY_ASSIGN(std::optional<Submitted> known, find_request(command));
  if (known) return std::move(*known);
  if (command.only_known) return fail(Code::too_many_runs, 0, "too many answers are under way for you: wait for one");
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  const bool busy = state->exists && (state->has_active() || !state->waiting.empty());
  if (busy && (state->summary.active_run == command.run_id || waits(*state, command.run_id))) {
    return fail(Code::invalid, 0, "run id is in use");
  }
  if (state->exists && command.keep_s != 0 && command.keep_s != state->summary.keep_s)
    return fail(Code::invalid, 0, "expires_in can only be given where the thread begins");
  const bool is_continuation = command.kind != SubmitKind::message;
  if (is_continuation && !state->exists) return fail(Code::not_found, 0, "no such thread");
  TRY_ASSIGN(QueueRecord entry, resolve_parent(command, *state));
  if (busy) {
    if (is_continuation || command.on_busy == OnBusy::reject)
      return fail(Code::busy, 0, "a run is active in this thread");
    if (state->waiting.size() >= limits::kThreadQueueMax)
      return fail(Code::queue_full, 0, "the thread's queue is full");
    return enqueue(command, std::move(entry), *state);
  }
  TRY_ASSIGN(const Parent parent, is_continuation ? question_to_continue(command.user, command.thread, *state)
                                                  : parent_of(command.user, command.thread, entry, *state));
  entry.content = std::move(command.content);
  entry.options = std::move(command.options);
  const bool created = !state->exists;
  if (created) state->summary.keep_s = command.keep_s;
  StartedRun run =
      start_run(command.user, command.thread, *state, *owner, std::move(entry), batch_.next_sequence(), parent);
  put_request(command, run.incarnation);
  Submitted submitted;
  submitted.state = Submitted::State::started;
  submitted.incarnation = run.incarnation;
  submitted.thread_created = created;
  submitted.run = std::move(run);
  return submitted;
}

Result<std::optional<Submitted>> Applier::find_request(const Submit& command) {
  if (command.request.key.empty()) return std::nullopt;
  const std::string key = request_key_of(command);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(read_options(), Family::idempotency, key, value));
  if (!found) return std::nullopt;
  const auto request = decode_request(to_view(value));
  if (!request) return fail(corrupt_row(Family::idempotency, key, request.error()));
  if (request->created_us <= wall_clock_() - kRequestKeptUs) return std::nullopt;
  if (request->hash != command.request.hash)
    return fail(Code::idempotency_mismatch, 0, "this Idempotency-Key was sent with another request");
  TRY_ASSIGN(const ThreadState* const state, states_.thread(command.user, request->thread));
  if (!state->exists || state->summary.incarnation != request->incarnation)
    return fail(Code::gone, 0, "the thread of this request was deleted");
  Submitted submitted;
  submitted.state = Submitted::State::joined;
  submitted.thread = request->thread;
  submitted.run_id = request->run_id;
  submitted.incarnation = request->incarnation;
  return submitted;
}

// In the batch of what the request has led to. The key names nothing that others see, so it is not in the change log.
void Applier::put_request(const Submit& command, uint64_t incarnation) {
  if (command.request.key.empty()) return;
  std::string key = request_key_of(command);
  std::string value;
  append_request_record(value, {.run_id = command.run_id,
                                .thread = command.thread,
                                .incarnation = incarnation,
                                .created_us = wall_clock_(),
                                .hash = command.request.hash});
  batch_.put(Family::idempotency, key, value);
  requests_in_group_.insert(std::move(key));
}

Result<QueueRecord> Applier::resolve_parent(const Submit& command, const ThreadState& state) {
  QueueRecord entry;
  entry.kind = command.kind;
  entry.run_id = command.run_id;
  entry.created_us = command.created_us;
  if (!command.parent) return entry;
  if (command.parent->is_zero()) {
    entry.parent_mode = ParentMode::root;
    return entry;
  }
  const auto order = uuid_v7_stamp_us(*command.parent);
  if (!state.exists || !order) return fail(Code::not_found, 0, "parent message");
  TRY_ASSIGN(const auto message, read_message(command.user, command.thread, *order));
  const bool is_alive = message && *order > state.summary.stamp_floor;
  if (!is_alive || message->id != *command.parent) return fail(Code::not_found, 0, "parent message");
  entry.parent_mode = ParentMode::message;
  entry.parent_order = *order;
  return entry;
}

Submitted Applier::enqueue(Submit& command, QueueRecord entry, ThreadState& state) {
  entry.content = std::move(command.content);
  entry.options = std::move(command.options);
  entry.goes_first = command.on_busy == OnBusy::interrupt;
  const uint64_t position = batch_.next_sequence();
  Change change(batch_, ChangeOperation::submit_queued, command.user, command.thread, wall_clock_());
  put_queue_entry(change, command.user, command.thread, position, entry);
  change.seal(state.summary.incarnation, command.run_id);
  state.add_waiting({.position = position, .run_id = entry.run_id, .group = group_}, entry.goes_first);
  state.changed_in_group = group_;
  put_request(command, state.summary.incarnation);
  Submitted submitted;
  submitted.state = Submitted::State::queued;
  submitted.incarnation = state.summary.incarnation;
  submitted.position = entry.goes_first ? 1 : static_cast<uint32_t>(state.waiting.size());
  if (entry.goes_first) submitted.active_run = state.summary.active_run;
  return submitted;
}

Result<Reply> Applier::apply(CancelQueued& command) {
  TRY(check_ids(command.user, command.thread));
  if (command.terminal_event.size() > kCommandBytesMax) return fail(Code::too_large, 0, "terminal event");
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  const auto found = std::find_if(state->waiting.begin(), state->waiting.end(),
                                  [&](const WaitingSubmit& waiting) { return waiting.run_id == command.run_id; });
  if (found == state->waiting.end()) return Cancelled{.found = false};

  Change change(batch_, ChangeOperation::queue_cancelled, command.user, command.thread, wall_clock_());
  std::string queue_key;
  append_queue_key(queue_key, command.user, command.thread, found->position);
  change.remove(Family::queue, std::move(queue_key));
  RunRecord run;
  run.state = RunState::cancelled;
  run.incarnation = state->summary.incarnation;
  run.started_us = run.finished_us = wall_clock_();
  run.terminal_event_id = command.terminal_event_id;
  run.terminal_event = command.terminal_event;  // a copy: on a full disk the command is applied again
  put_run(change, command.user, command.thread, command.run_id, run);
  change.seal(state->summary.incarnation, command.run_id);
  state->waiting.erase(found);
  state->changed_in_group = group_;
  return Cancelled{.found = true};
}

}  // namespace bobbin::store
