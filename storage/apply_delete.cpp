#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/scan.h"

// Deletion: one range per family, and the derived keys in the same batch.
namespace bobbin::store {

Result<Reply> Applier::apply(DeleteThread& command) {
  std::string key;
  if (!check_ids(command.user, command.thread)) {
    return fail(Code::not_found, 0, "thread");
  }
  append_thread_prefix(key, command.user, command.thread);
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  if (!state->exists) return fail(Code::not_found, 0, "thread");
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));

  Deleted deleted{.sessions = 1, .messages = state->summary.total_messages, .cancelled = {}};
  if (state->has_active()) deleted.cancelled.push_back({command.thread, state->summary.active_run, true});
  for (const WaitingSubmit& waiting : state->waiting)
    deleted.cancelled.push_back({command.thread, waiting.run_id, false});

  Change change(batch_, ChangeOperation::thread_deleted, command.user, command.thread, wall_clock_());
  const std::string end = prefix_end(key);
  for (const Family family : {Family::messages, Family::runs, Family::queue}) change.remove_range(family, key, end);
  batch_.remove_range(Family::annotations, key, end);
  remove_recency(command.user, state->summary);
  change.remove(Family::threads, key);
  change.seal(state->summary.incarnation);

  // The stamp stays: the next thread on top must be newer than this one was.
  if (owner->top_thread == command.thread) owner->top_thread.clear();
  *state = ThreadState{};
  state->changed_in_group = group_;
  return deleted;
}

Result<Reply> Applier::apply(DeleteUserThreads& command) {
  if (command.user.empty() || command.user.size() > 128) return Deleted{};
  std::string first;
  append_user_prefix(first, command.user);
  const std::string end = prefix_end(first);

  // The batch was committed before this command, so the rows on disk are all there is.
  Deleted deleted;
  Scan threads(database_, Family::threads, Scan::Within::one_owner, {}, first, end);
  for (; threads.valid(); threads.next()) {
    const auto summary = decode_summary(threads.value(), {});
    if (!summary) return fail(corrupt_row(Family::threads, threads.key(), summary.error()));
    ++deleted.sessions;
    deleted.messages += summary->total_messages;
  }
  TRY(threads.status());
  if (deleted.sessions == 0) return deleted;
  Scan queue(database_, Family::queue, Scan::Within::family, {}, first, end);
  for (; queue.valid(); queue.next()) {
    const auto entry = decode_queue(queue.value());
    const auto key = parse_queue_key(queue.key());
    if (!entry) return fail(corrupt_row(Family::queue, queue.key(), entry.error()));
    if (!key) return fail(corrupt_row(Family::queue, queue.key(), Error(Code::corrupt, 0, "not a queue key")));
    deleted.cancelled.push_back({std::string(key->thread), entry->run_id, entry->state == RunState::running});
  }
  TRY(queue.status());

  Change change(batch_, ChangeOperation::user_threads_deleted, command.user, {}, wall_clock_());
  for (const Family family : {Family::messages, Family::threads, Family::runs, Family::queue}) {
    change.remove_range(family, first, end);
  }
  for (const Family family : {Family::recency, Family::annotations, Family::bookmarks, Family::search}) {
    batch_.remove_range(family, first, end);
  }
  change.seal(0);
  states_.clear();
  return deleted;
}

}  // namespace bobbin::store
