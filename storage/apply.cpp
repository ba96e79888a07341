#include "storage/apply.h"

#include <algorithm>

#include "src/base/assert.h"
#include "src/base/limits.h"
#include "src/base/text.h"
#include "storage/keys.h"

namespace bobbin::store {
namespace {

Result<void> check_ids(const std::string& user, const std::string& thread) {
  if (user.empty() || user.size() > limits::kUserIdBytesMax)
    return fail(Code::invalid, 0, "user id has 1 to 128 bytes");
  if (thread.empty() || thread.size() > limits::kThreadIdBytesMax) {
    return fail(Code::invalid, 0, "thread id has 1 to 128 bytes");
  }
  return {};
}

bool waits(const ThreadState& state, const Uuid& run_id) {
  return std::any_of(state.waiting.begin(), state.waiting.end(),
                     [&](const WaitingSubmit& waiting) { return waiting.run_id == run_id; });
}

RunState state_of(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::done: return RunState::done;
    case RunOutcome::error: return RunState::error;
    case RunOutcome::stopped: return RunState::stopped;
    case RunOutcome::interrupted: return RunState::interrupted;
  }
  BOBBIN_ASSERT(false && "unknown outcome");
}

}  // namespace

Result<Reply> Applier::apply(Command& command) {
  return std::visit([this](auto& each) { return apply(each); }, command);
}

bool Applier::must_commit_before(const Command& command) {
  if (batch_.empty()) return false;
  if (std::holds_alternative<DeleteUserThreads>(command)) return true;
  // A state that cannot be loaded fails again, with its error, when the command is applied.
  if (const auto* submit = std::get_if<Submit>(&command)) {
    if (!submit->parent || submit->parent->is_zero() || !check_ids(submit->user, submit->thread)) return false;
    const auto state = states_.thread(submit->user, submit->thread);
    return state && (*state)->changed_in_group == group_;
  }
  const auto next_is_uncommitted = [this](const std::string& user, const std::string& thread) {
    if (!check_ids(user, thread)) return false;
    const auto state = states_.thread(user, thread);
    return state && !(*state)->waiting.empty() && (*state)->waiting.front().group == group_;
  };
  if (const auto* finish = std::get_if<FinishRun>(&command)) return next_is_uncommitted(finish->user, finish->thread);
  if (const auto* start = std::get_if<StartNext>(&command)) return next_is_uncommitted(start->user, start->thread);
  return false;
}

void Applier::on_group_committed() {
  ++group_;
  states_.end_group();
}

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
  TRY_ASSIGN(QueueRecord entry, resolve_parent(command, *state));
  if (busy) {
    if (command.on_busy == OnBusy::reject) return fail(Code::busy, 0, "a run is active in this thread");
    if (state->waiting.size() >= limits::kThreadQueueMax)
      return fail(Code::queue_full, 0, "the thread's queue is full");
    entry.content = std::move(command.content);
    entry.options = std::move(command.options);
    enqueue(command, std::move(entry), *state);
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
  StartedRun run =
      start_run(command.user, command.thread, *state, *owner, std::move(entry), batch_.next_sequence(), parent);
  return Submitted{.state = Submitted::State::started,
                   .incarnation = run.incarnation,
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
  if (!message || message->id != *command.parent) return fail(Code::not_found, 0, "parent message");
  entry.parent_mode = ParentMode::message;
  entry.parent_order = *order;
  return entry;
}

Result<Applier::Parent> Applier::parent_of(const std::string& user, const std::string& thread, const QueueRecord& entry,
                                           const ThreadState& state) {
  switch (entry.parent_mode) {
    case ParentMode::root: return Parent{};
    case ParentMode::active_leaf:
      if (!state.exists) return Parent{};
      return Parent{.order = state.summary.active_leaf, .depth = state.summary.message_count};
    case ParentMode::message: break;
  }
  TRY_ASSIGN(const auto message, read_message(user, thread, entry.parent_order));
  if (!message) return fail(Code::not_found, 0, "parent message");
  return Parent{.order = message->order, .depth = message->depth};
}

Result<std::optional<Message>> Applier::read_message(const std::string& user, const std::string& thread,
                                                     uint64_t order) {
  std::string key;
  append_message_key(key, user, thread, order);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get({}, Family::messages, key, value));
  if (!found) return std::nullopt;
  auto message = decode_message(to_view(value), order);
  if (!message) return fail(corrupt_row(Family::messages, key, message.error()));
  return std::move(*message);
}

Result<std::optional<QueueRecord>> Applier::read_next(const std::string& user, const std::string& thread,
                                                      const ThreadState& state) {
  if (!state.exists || state.waiting.empty()) return std::nullopt;
  BOBBIN_ASSERT(state.waiting.front().group != group_);  // must_commit_before() has seen to it
  std::string key;
  append_queue_key(key, user, thread, state.waiting.front().position);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get({}, Family::queue, key, value));
  if (!found) return fail(corrupt_row(Family::queue, key, Error(Code::corrupt, 0, "waiting submit has no entry")));
  auto entry = decode_queue(to_view(value));
  if (!entry) return fail(corrupt_row(Family::queue, key, entry.error()));
  return std::move(*entry);
}

void Applier::enqueue(const Submit& command, QueueRecord entry, ThreadState& state) {
  const uint64_t position = batch_.next_sequence();
  Change change(batch_, ChangeOperation::submit_queued, command.user, command.thread, wall_clock_());
  std::string key;
  append_queue_key(key, command.user, command.thread, position);
  std::string value;
  append_queue_record(value, entry);
  change.put(Family::queue, std::move(key), value);
  change.seal(state.summary.incarnation);
  state.waiting.push_back({.position = position, .run_id = entry.run_id, .group = group_});
  state.changed_in_group = group_;
}

Result<Reply> Applier::apply(FinishRun& command) {
  TRY(check_ids(command.user, command.thread));
  if (command.terminal_event.size() > kCommandBytesMax) return fail(Code::too_large, 0, "terminal event");
  if (command.answer &&
      std::max({command.answer->content.size(), command.answer->reasoning.size(), command.answer->model.size(),
                command.answer->finish_reason.size(), command.answer->tool_steps.size()}) > kCommandBytesMax) {
    return fail(Code::too_large, 0, "answer");
  }
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  if (!state->exists || state->summary.incarnation != command.incarnation || command.run_id.is_zero() ||
      state->summary.active_run != command.run_id) {
    return Finished{};
  }
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  std::optional<QueueRecord> next;
  if (command.start_next) {
    TRY_ASSIGN(next, read_next(command.user, command.thread, *state));
  }
  // Nothing fails from here on: the parent of the next turn was found when it was submitted, or is this run's last
  // message.
  std::optional<Parent> next_parent;
  if (next && next->parent_mode != ParentMode::active_leaf) {
    TRY_ASSIGN(next_parent, parent_of(command.user, command.thread, *next, *state));
  }

  Change change(batch_, ChangeOperation::run_finished, command.user, command.thread, wall_clock_());
  const bool has_answer = command.answer.has_value();
  if (has_answer) store_answer(change, command, *state);
  std::string run_key;
  append_run_key(run_key, command.user, command.thread, command.run_id);
  state->active.state = state_of(command.outcome);
  state->active.finished_us = wall_clock_();
  state->active.terminal_event_id = command.terminal_event_id;
  state->active.terminal_event = std::move(command.terminal_event);
  std::string run_value;
  append_run_record(run_value, state->active);
  change.put(Family::runs, std::move(run_key), run_value);
  std::string queue_key;
  append_queue_key(queue_key, command.user, command.thread, state->active_position);
  change.remove(Family::queue, std::move(queue_key));
  state->summary.active_run = Uuid{};
  state->summary.queue_head = state->active_position + 1;
  state->active = RunRecord{};
  state->active_position = 0;
  put_summary(change, command.user, *state, *owner, has_answer);
  change.seal(state->summary.incarnation);
  state->changed_in_group = group_;

  Finished finished{.applied = true, .next = std::nullopt};
  if (next) {
    if (!next_parent) {
      next_parent = Parent{.order = state->summary.active_leaf, .depth = state->summary.message_count};
    }
    const uint64_t position = state->waiting.front().position;
    state->waiting.pop_front();
    finished.next = start_run(command.user, command.thread, *state, *owner, std::move(*next), position, *next_parent);
  }
  return finished;
}

void Applier::store_answer(Change& change, FinishRun& command, ThreadState& state) {
  Answer& answer = *command.answer;
  ThreadSummary& summary = state.summary;
  Message message;
  message.id = state.active.message_id;
  message.order = state.active.answer_order;
  message.created_us = wall_clock_();
  message.role = Role::assistant;
  message.status = answer.status;
  message.content = std::move(answer.content);
  message.reasoning = std::move(answer.reasoning);
  message.parent_order = state.active.user_order;
  message.depth = state.active.user_depth + 1;
  message.run_id = command.run_id;
  message.model = std::move(answer.model);
  message.finish_reason = std::move(answer.finish_reason);
  message.tool_steps = std::move(answer.tool_steps);
  message.usage = answer.usage;
  std::string key;
  append_message_key(key, command.user, command.thread, message.order);
  std::string value;
  append_message_record(value, message);
  change.put(Family::messages, std::move(key), value);

  ++summary.total_messages;
  summary.updated_us = message.created_us;
  if (message.parent_order != summary.newest_order || summary.active_leaf != message.parent_order) {
    summary.flags |= thread_flags::kBranched;
  }
  summary.newest_order = message.order;
  // Somebody may have switched to another branch during the run: then that one stays the active one.
  if (summary.active_leaf == message.parent_order) {
    summary.active_leaf = message.order;
    summary.message_count = message.depth;
    summary.preview = cut_line(message.content, limits::kPreviewGraphemesMax);
  }
}

StartedRun Applier::start_run(const std::string& user, const std::string& thread, ThreadState& state, UserState& owner,
                              QueueRecord entry, uint64_t position, const Parent& parent) {
  Change change(batch_, ChangeOperation::run_started, user, thread, wall_clock_());
  ThreadSummary& summary = state.summary;
  if (!state.exists) {
    state = ThreadState{};
    state.exists = true;
    summary.thread = thread;
    summary.incarnation = batch_.next_sequence();
    summary.created_us = entry.created_us;
  }
  const uint64_t user_order = std::max(clock_.now_us(), summary.last_stamp + 1);
  const uint64_t answer_order = user_order + 1;

  Message message;
  message.id = make_uuid_v7(user_order);
  message.order = user_order;
  message.created_us = entry.created_us;
  message.role = Role::user;
  message.content = entry.content;
  message.parent_order = parent.order;
  message.depth = parent.depth + 1;
  message.run_id = entry.run_id;
  std::string message_key;
  append_message_key(message_key, user, thread, user_order);
  std::string message_value;
  append_message_record(message_value, message);
  change.put(Family::messages, std::move(message_key), message_value);

  if (summary.total_messages == 0) {
    summary.title = cut_line(message.content, limits::kTitleGraphemesMax);
  } else if (parent.order != summary.newest_order) {
    summary.flags |= thread_flags::kBranched;
  }
  summary.preview = cut_line(message.content, limits::kPreviewGraphemesMax);
  summary.updated_us = message.created_us;
  summary.message_count = message.depth;
  ++summary.total_messages;
  summary.active_leaf = user_order;
  summary.newest_order = user_order;
  summary.last_stamp = answer_order;
  summary.active_run = entry.run_id;
  summary.newest_run = entry.run_id;
  summary.queue_head = position;

  RunRecord& run = state.active;
  run = RunRecord{};
  run.state = RunState::running;
  run.kind = entry.kind;
  run.incarnation = summary.incarnation;
  run.started_us = wall_clock_();
  run.user_message_id = message.id;
  run.message_id = make_uuid_v7(answer_order);
  run.user_order = user_order;
  run.answer_order = answer_order;
  run.user_depth = message.depth;
  run.options = entry.options;
  std::string run_key;
  append_run_key(run_key, user, thread, entry.run_id);
  std::string run_value;
  append_run_record(run_value, run);
  change.put(Family::runs, std::move(run_key), run_value);
  state.active_position = position;

  StartedRun started{.user = user,
                     .thread = thread,
                     .incarnation = summary.incarnation,
                     .run_id = entry.run_id,
                     .user_message_id = message.id,
                     .message_id = run.message_id,
                     .user_order = user_order,
                     .answer_order = answer_order,
                     .parent_order = parent.order,
                     .user_depth = run.user_depth,
                     .content = std::move(entry.content),
                     .options = std::move(entry.options)};

  entry.state = RunState::running;
  entry.content.clear();
  entry.options.clear();
  std::string queue_key;
  append_queue_key(queue_key, user, thread, position);
  std::string queue_value;
  append_queue_record(queue_value, entry);
  change.put(Family::queue, std::move(queue_key), queue_value);

  put_summary(change, user, state, owner, true);
  change.seal(summary.incarnation);
  state.changed_in_group = group_;
  return started;
}

Result<Reply> Applier::apply(StartNext& command) {
  TRY(check_ids(command.user, command.thread));
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  if (!state->exists || state->has_active()) return StartedNext{};
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));
  TRY_ASSIGN(std::optional<QueueRecord> next, read_next(command.user, command.thread, *state));
  if (!next) return StartedNext{};
  TRY_ASSIGN(const Parent parent, parent_of(command.user, command.thread, *next, *state));
  const uint64_t position = state->waiting.front().position;
  state->waiting.pop_front();
  return StartedNext{start_run(command.user, command.thread, *state, *owner, std::move(*next), position, parent)};
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
  run.terminal_event = std::move(command.terminal_event);
  std::string run_key;
  append_run_key(run_key, command.user, command.thread, command.run_id);
  std::string run_value;
  append_run_record(run_value, run);
  change.put(Family::runs, std::move(run_key), run_value);
  change.seal(state->summary.incarnation);
  state->waiting.erase(found);
  state->changed_in_group = group_;
  return Cancelled{.found = true};
}

// A scan of recency walks over the deleted rows between two threads, and every turn deletes one. So a row is put once
// and then deleted as such: the two vanish together in the next flush, and what a scan meets is bounded by one small
// buffer. For that the newest thread moves too, where it could be overwritten in place. Only a change that must not
// move its thread overwrites, and the thread remembers it.
void Applier::put_summary(Change& change, const std::string& user, ThreadState& state, UserState& owner,
                          bool is_activity) {
  ThreadSummary& summary = state.summary;
  const bool is_top = owner.top_thread == summary.thread && owner.top_stamp == summary.recency_stamp;
  if (is_activity || is_top) {
    if (summary.recency_stamp != 0) remove_recency(user, summary);
    summary.flags &= ~thread_flags::kRecencyRewritten;
    summary.recency_stamp = std::max(clock_.now_us(), owner.top_stamp + 1);
    owner.top_stamp = summary.recency_stamp;
    owner.top_thread = summary.thread;
  } else {
    summary.flags |= thread_flags::kRecencyRewritten;
  }
  std::string value;
  append_summary_record(value, summary);
  std::string key;
  append_thread_prefix(key, user, summary.thread);
  std::string recency_key;
  append_recency_key(recency_key, user, summary.recency_stamp, summary.thread);
  batch_.put(Family::recency, recency_key, value);
  change.put(Family::threads, std::move(key), value);
}

void Applier::remove_recency(const std::string& user, const ThreadSummary& summary) {
  std::string key;
  append_recency_key(key, user, summary.recency_stamp, summary.thread);
  if (summary.flags & thread_flags::kRecencyRewritten) {
    batch_.remove(Family::recency, key);
  } else {
    batch_.remove_put_once(Family::recency, key);
  }
}

}  // namespace bobbin::store
