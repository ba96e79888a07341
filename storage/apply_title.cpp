#include "storage/apply.h"

// A thread's title, where it is not that of its first message.
namespace bobbin::store {

Result<Reply> Applier::apply(SetTitle& command) {
  TRY(check_ids(command.user, command.thread));
  if (command.title.empty() || command.title.size() > kTitleBytesMax)
    return fail(Code::invalid, 0, "a title has 1 to 4096 bytes");
  TRY_ASSIGN(ThreadState* const state, states_.thread(command.user, command.thread));
  ThreadSummary& summary = state->summary;
  if (!state->exists || (command.incarnation != 0 && command.incarnation != summary.incarnation))
    return fail(Code::not_found, 0, "thread");
  const bool is_users = command.by == TitleBy::user;
  if (!is_users && (summary.flags & thread_flags::kTitleOwn) != 0) return TitleSet{};
  if (is_users && (summary.flags & thread_flags::kTitleSet) != 0 && summary.title == command.title) return TitleSet{};
  TRY_ASSIGN(UserState* const owner, states_.user(command.user));

  // Nothing fails from here on.
  Change change(batch_, ChangeOperation::thread_changed, command.user, command.thread, wall_clock_());
  summary.title = std::move(command.title);
  summary.flags &= ~thread_flags::kTitleOwn;
  summary.flags |= is_users ? thread_flags::kTitleSet : thread_flags::kTitleMade;
  put_summary(change, command.user, *state, *owner, false);
  change.seal(summary.incarnation, Uuid{});
  state->changed_in_group = group_;
  return TitleSet{.applied = true};
}

}  // namespace bobbin::store
