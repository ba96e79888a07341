// Which command goes where, and the rows that more than one of them writes.
#include "storage/apply.h"

#include <algorithm>

#include "src/base/limits.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {

Result<void> check_ids(const std::string& user, const std::string& thread) {
  if (user.empty() || user.size() > limits::kUserIdBytesMax)
    return fail(Code::invalid, 0, "user id has 1 to 128 bytes");
  if (thread.empty() || thread.size() > limits::kThreadIdBytesMax) {
    return fail(Code::invalid, 0, "thread id has 1 to 128 bytes");
  }
  return {};
}

void put_message(Change& change, const std::string& user, const std::string& thread, const Message& message) {
  std::string key;
  append_message_key(key, user, thread, message.order);
  std::string value;
  append_message_record(value, message);
  change.put(Family::messages, std::move(key), value);
}

void put_run(Change& change, const std::string& user, const std::string& thread, const Uuid& run_id,
             const RunRecord& run) {
  std::string key;
  append_run_key(key, user, thread, run_id);
  std::string value;
  append_run_record(value, run);
  change.put(Family::runs, std::move(key), value);
}

void put_queue_entry(Change& change, const std::string& user, const std::string& thread, uint64_t position,
                     const QueueRecord& entry) {
  std::string key;
  append_queue_key(key, user, thread, position);
  std::string value;
  append_queue_record(value, entry);
  change.put(Family::queue, std::move(key), value);
}

std::string request_key_of(const Submit& command) {
  std::string key;
  append_request_key(key, command.user, command.request.key);
  return key;
}

namespace {

// Whether the command is of account_commands.h: these read what they judge from disk, so a group has one of them. They
// are rare beside messages, which join the same groups.
bool is_of_identity(const Command& command) {
  return std::visit(
      []<class Each>(const Each&) {
        return std::is_same_v<Each, CreateAccount> || std::is_same_v<Each, ChangeAccount> ||
               std::is_same_v<Each, DeleteAccount> || std::is_same_v<Each, StartLogin> ||
               std::is_same_v<Each, RefreshLogin> || std::is_same_v<Each, EndLogin> ||
               std::is_same_v<Each, PutInvitation> || std::is_same_v<Each, DeleteInvitation> ||
               std::is_same_v<Each, PutApiKey> || std::is_same_v<Each, DeleteApiKey> ||
               std::is_same_v<Each, TouchApiKey>;
      },
      command);
}

}  // namespace

Result<Reply> Applier::apply(Command& command) {
  identity_in_group_ = identity_in_group_ || is_of_identity(command);
  return std::visit([this](auto& each) { return apply(each); }, command);
}

bool Applier::must_commit_before(const Command& command) {
  if (batch_.empty()) return false;
  if (std::holds_alternative<DeleteUserThreads>(command)) return true;
  const bool asks_for_account = is_of_identity(command) || std::holds_alternative<ChangeSetting>(command);
  if (identity_in_group_ && asks_for_account) return true;
  // It removes settings that the batch may just have put.
  if (std::holds_alternative<DeleteAccount>(command)) return true;
  // A state that cannot be loaded fails again, with its error, when the command is applied.
  if (const auto* submit = std::get_if<Submit>(&command)) {
    const bool is_named = !submit->request.key.empty();
    if (is_named && !requests_in_group_.empty() && requests_in_group_.contains(request_key_of(*submit))) return true;
    const bool reads_messages = submit->kind != SubmitKind::message || (submit->parent && !submit->parent->is_zero());
    if (!reads_messages || !check_ids(submit->user, submit->thread)) return false;
    const auto state = states_.thread(submit->user, submit->thread);
    return state && (*state)->changed_in_group == group_;
  }
  const auto next_is_uncommitted = [this](const std::string& user, const std::string& thread) {
    if (!check_ids(user, thread)) return false;
    const auto state = states_.thread(user, thread);
    return state && !(*state)->waiting.empty() && (*state)->waiting.front().group == group_;
  };
  // An erasure that was noted in this group could not be read.
  if (std::holds_alternative<PurgeRows>(command)) return true;
  if (const auto* finish = std::get_if<FinishRun>(&command)) {
    if (next_is_uncommitted(finish->user, finish->thread)) return true;
    const auto state = states_.thread(finish->user, finish->thread);
    return state && (*state)->active.kind != SubmitKind::message && (*state)->changed_in_group == group_;
  }
  if (const auto* start = std::get_if<StartNext>(&command)) return next_is_uncommitted(start->user, start->thread);
  return false;
}

void Applier::on_group_committed() {
  ++group_;
  requests_in_group_.clear();
  identity_in_group_ = false;
  states_.end_group();
}

void Applier::on_group_dropped() {
  ++group_;
  requests_in_group_.clear();
  identity_in_group_ = false;
  states_.clear();
}

Result<std::optional<Message>> Applier::read_message(const std::string& user, const std::string& thread,
                                                     uint64_t order) {
  std::string key;
  append_message_key(key, user, thread, order);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(read_options(), Family::messages, key, value));
  if (!found) return std::nullopt;
  auto message = decode_message(to_view(value), order);
  if (!message) return fail(corrupt_row(Family::messages, key, message.error()));
  return std::move(*message);
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
