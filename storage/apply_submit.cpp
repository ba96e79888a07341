#include <algorithm>

#include "src/base/limits.h"
#include "storage/apply.h"
#include "storage/keys.h"

// Into the queue, or past it, and out of it before its turn.
namespace bobbin::store {
namespace {

bool waits(const ThreadState& state, const Uuid& run_id) {
  return std::any_of(state.waiting.begin(), state.waiting.end(),
                     [&](const WaitingSubmit& waiting) { return waiting.run_id == run_id; });
}

}  // namespace

Result<Reply> Applier::apply(Submit& command) {
  TRY(check_ids(command.user, command.thread));
  if (command.content.size() > kCommandBytesMax || command.options.size() > kCommandBytesMax) {
    return fail(Code::too_large, 0, "message");
  }
  if (command.run_id.is_zero()) return fail(Code::invalid, 0, "run id is missing");
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  const bool busy = state->exists && (state->has_active() || !state->waiting.empty());
  if (busy && (state->summary.active_run == command.run_id || waits(*state, command.run_id))) {
    return fail(Code::invalid, 0, "run id is in use");
  }
  if (state->exists && command.keep_s != 0 && command.keep_s != state->summary.keep_s)
    return fail(Code::invalid, 0, "expires_in can only be given where the thread begins");
  TRY_ASSIGN(QueueRecord entry, resolve_parent(command, *state));
  if (busy) {
    if (command.on_busy == OnBusy::reject) return fail(Code::busy, 0, "a run is active in this thread");
    if (state->waiting.size() >= limits::kThreadQueueMax)
      return fail(Code::queue_full, 0, "the thread's queue is full");
    entry.content = std::move(command.content);
    entry.options = std::move(command.options);
    enqueue(command, entry, *state);
    return Submitted{.state = Submitted::State::queued,
                     .incarnation = state->summary.incarnation,
                     .thread_created = false,
                     .run = std::nullopt,
                     .position = static_cast<uint32_t>(state->waiting.size())};
  }
  TRY_ASSIGN(const Parent parent, parent_of(command.user, command.thread, entry, *state));
  entry.content = std::move(command.content);
  entry.options = std::move(command.options);
  const bool created = !state->exists;
  if (created) state->summary.keep_s = command.keep_s;
  StartedRun run =
      start_run(command.user, command.thread, *state, *owner, std::move(entry), batch_.next_sequence(), parent);
  const uint64_t incarnation = run.incarnation;
  return Submitted{.state = Submitted::State::started,
                   .incarnation = incarnation,
                   .thread_created = created,
                   .run = std::move(run),
                   .position = 0};
}

Result<QueueRecord> Applier::resolve_parent(const Submit& command, const ThreadState& state) {
  QueueRecord entry;
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

void Applier::enqueue(const Submit& command, const QueueRecord& entry, ThreadState& state) {
  const uint64_t position = batch_.next_sequence();
  Change change(batch_, ChangeOperation::submit_queued, command.user, command.thread, wall_clock_());
  put_queue_entry(change, command.user, command.thread, position, entry);
  change.seal(state.summary.incarnation, command.run_id);
  state.waiting.push_back({.position = position, .run_id = entry.run_id, .group = group_});
  state.changed_in_group = group_;
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
