#include <algorithm>

#include "src/base/assert.h"
#include "src/base/limits.h"
#include "src/base/text.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

// A run begins and ends.
namespace bobbin::store {
namespace {

RunState state_of(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::done: return RunState::done;
    case RunOutcome::error: return RunState::error;
    case RunOutcome::stopped: return RunState::stopped;
    case RunOutcome::interrupted: return RunState::interrupted;
  }
  BOBBIN_ASSERT(false && "unknown outcome");
}

Result<void> check_sizes(const FinishRun& command) {
  if (command.terminal_event.size() > kCommandBytesMax) return fail(Code::too_large, 0, "terminal event");
  if (!command.answer) return {};
  const Answer& answer = *command.answer;
  if (std::max({answer.content.size(), answer.reasoning.size(), answer.model.size(), answer.finish_reason.size(),
                answer.tool_steps.size()}) > kCommandBytesMax) {
    return fail(Code::too_large, 0, "answer");
  }
  return {};
}

}  // namespace

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

// A continuation answers a question that is there: the one that the branch ends with, or the one before its last
// answer.
Result<Applier::Parent> Applier::question_to_continue(const std::string& user, const std::string& thread,
                                                      const ThreadState& state) {
  TRY_ASSIGN(const auto leaf, read_message(user, thread, state.summary.active_leaf));
  if (!leaf) return fail(Code::corrupt, 0, "the thread's last message is missing");
  if (leaf->role == Role::user) return Parent{.order = leaf->order, .depth = leaf->depth, .id = leaf->id};
  if (leaf->role != Role::assistant || leaf->status == MessageStatus::complete)
    return fail(Code::invalid, 0, "nothing to continue: the last answer is complete");
  TRY_ASSIGN(const auto question, read_message(user, thread, leaf->parent_order));
  if (!question || question->role != Role::user)
    return fail(Code::invalid, 0, "nothing to continue: the last answer has no question");
  return Parent{.order = question->order, .depth = question->depth, .id = question->id};
}

Result<bool> Applier::answers_active_branch(const std::string& user, const std::string& thread,
                                            const ThreadState& state) {
  if (state.summary.active_leaf == state.active.user_order) return true;
  // Somebody may have switched to another branch during the run: then that one stays the active one.
  if (state.active.kind == SubmitKind::message) return false;
  TRY_ASSIGN(const auto leaf, read_message(user, thread, state.summary.active_leaf));
  return leaf && leaf->parent_order == state.active.user_order;
}

Result<std::optional<QueueRecord>> Applier::read_next(const std::string& user, const std::string& thread,
                                                      const ThreadState& state) {
  if (!state.exists || state.waiting.empty()) return std::nullopt;
  BOBBIN_ASSERT(state.waiting.front().group != group_);  // must_commit_before() has seen to it
  std::string key;
  append_queue_key(key, user, thread, state.waiting.front().position);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(read_options(), Family::queue, key, value));
  if (!found) return fail(corrupt_row(Family::queue, key, Error(Code::corrupt, 0, "waiting submit has no entry")));
  auto entry = decode_queue(to_view(value));
  if (!entry) return fail(corrupt_row(Family::queue, key, entry.error()));
  return std::move(*entry);
}

Result<Reply> Applier::apply(FinishRun& command) {
  TRY(check_ids(command.user, command.thread));
  TRY(check_sizes(command));
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
  std::optional<Parent> next_parent;
  if (next && next->parent_mode != ParentMode::active_leaf) {
    TRY_ASSIGN(next_parent, parent_of(command.user, command.thread, *next, *state));
  }
  TRY_ASSIGN(const bool becomes_active, answers_active_branch(command.user, command.thread, *state));
  // Nothing fails from here on.
  end_run(command, *state, *owner, becomes_active);
  Finished finished{.applied = true, .next = std::nullopt};
  if (next) {
    // Not known before: this run's last message, where the next turn continues the branch.
    if (!next_parent) {
      next_parent = Parent{.order = state->summary.active_leaf, .depth = state->summary.message_count};
    }
    const uint64_t position = state->waiting.front().position;
    state->waiting.pop_front();
    finished.next = start_run(command.user, command.thread, *state, *owner, std::move(*next), position, *next_parent);
  }
  return finished;
}

void Applier::end_run(FinishRun& command, ThreadState& state, UserState& owner, bool becomes_active) {
  Change change(batch_, ChangeOperation::run_finished, command.user, command.thread, wall_clock_());
  const bool has_answer = command.answer.has_value();
  if (has_answer) put_answer(change, command, state, becomes_active);
  state.active.state = state_of(command.outcome);
  state.active.finished_us = wall_clock_();
  state.active.terminal_event_id = command.terminal_event_id;
  state.active.terminal_event = std::move(command.terminal_event);
  put_run(change, command.user, command.thread, command.run_id, state.active);
  std::string queue_key;
  append_queue_key(queue_key, command.user, command.thread, state.active_position);
  change.remove(Family::queue, std::move(queue_key));
  state.summary.active_run = Uuid{};
  state.summary.queue_head = state.lowest_waiting(state.active_position + 1);
  state.active = RunRecord{};
  state.active_position = 0;
  put_summary(change, command.user, state, owner, has_answer);
  change.seal(state.summary.incarnation, command.run_id);
  state.changed_in_group = group_;
}

void Applier::put_answer(Change& change, FinishRun& command, ThreadState& state, bool becomes_active) {
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
  put_message(change, command.user, command.thread, message);

  ++summary.total_messages;
  summary.updated_us = message.created_us;
  if (message.parent_order != summary.newest_order || summary.active_leaf != message.parent_order) {
    summary.flags |= thread_flags::kBranched;
  }
  summary.newest_order = message.order;
  if (becomes_active) {
    summary.active_leaf = message.order;
    summary.message_count = message.depth;
    // An answer without text (only reasoning, or nothing) says less in a list than its question.
    std::string preview = cut_line(message.content, limits::kPreviewGraphemesMax);
    if (!preview.empty()) summary.preview = std::move(preview);
  }
}

StartedRun Applier::start_run(const std::string& user, const std::string& thread, ThreadState& state, UserState& owner,
                              QueueRecord entry, uint64_t position, const Parent& parent) {
  Change change(batch_, ChangeOperation::run_started, user, thread, wall_clock_());
  ThreadSummary& summary = state.summary;
  if (!state.exists) {
    state.exists = true;
    summary.last_stamp = summary.stamp_floor;
    summary.thread = thread;
    summary.incarnation = batch_.next_sequence();
    summary.created_us = entry.created_us;
  }
  const uint64_t leaf_before = entry.kind == SubmitKind::message ? parent.order : summary.active_leaf;
  Parent question = parent;
  if (entry.kind == SubmitKind::message) {
    question = put_question(change, user, thread, summary, entry, parent);
    summary.last_stamp = question.order + 1;  // the answer's
  } else {
    summary.last_stamp = std::max(clock_.now_us(), summary.last_stamp + 1);
  }
  summary.active_run = entry.run_id;
  summary.newest_run = entry.run_id;
  summary.queue_head = state.lowest_waiting(position);

  RunRecord& run = state.active;
  run = RunRecord{};
  run.kind = entry.kind;
  run.incarnation = summary.incarnation;
  run.started_us = wall_clock_();
  run.user_message_id = question.id;
  run.message_id = make_uuid_v7(summary.last_stamp);
  run.user_order = question.order;
  run.answer_order = summary.last_stamp;
  run.user_depth = question.depth;
  run.options = entry.options;
  put_run(change, user, thread, entry.run_id, run);
  state.active_position = position;

  StartedRun started{.user = user,
                     .thread = thread,
                     .incarnation = run.incarnation,
                     .run_id = entry.run_id,
                     .user_message_id = run.user_message_id,
                     .message_id = run.message_id,
                     .user_order = run.user_order,
                     .answer_order = run.answer_order,
                     .kind = entry.kind,
                     .parent_order = leaf_before,
                     .user_depth = run.user_depth,
                     .content = std::move(entry.content),
                     .options = std::move(entry.options)};
  entry.state = RunState::running;
  entry.content.clear();
  entry.options.clear();
  put_queue_entry(change, user, thread, position, entry);
  put_summary(change, user, state, owner, true);
  change.seal(summary.incarnation, started.run_id);
  state.changed_in_group = group_;
  return started;
}

Applier::Parent Applier::put_question(Change& change, const std::string& user, const std::string& thread,
                                      ThreadSummary& summary, const QueueRecord& entry, const Parent& parent) {
  Message message;
  message.order = std::max(clock_.now_us(), summary.last_stamp + 1);
  message.id = make_uuid_v7(message.order);
  message.created_us =
      wall_clock_();  // of its turn: a list by time then reads like one by order, however long it waited
  message.role = Role::user;
  message.content = entry.content;
  message.parent_order = parent.order;
  message.depth = parent.depth + 1;
  message.run_id = entry.run_id;
  put_message(change, user, thread, message);

  if (summary.total_messages == 0) {
    summary.title = cut_line(message.content, limits::kTitleGraphemesMax);
  } else if (parent.order != summary.newest_order) {
    summary.flags |= thread_flags::kBranched;
  }
  summary.preview = cut_line(message.content, limits::kPreviewGraphemesMax);
  summary.updated_us = message.created_us;
  summary.message_count = message.depth;
  ++summary.total_messages;
  summary.active_leaf = message.order;
  summary.newest_order = message.order;
  return Parent{.order = message.order, .depth = message.depth, .id = message.id};
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

}  // namespace bobbin::store
