#pragma once

#include <optional>
#include <set>
#include <string>

#include "src/base/result.h"
#include "storage/batch.h"
#include "storage/commands.h"
#include "storage/stamp_clock.h"
#include "storage/thread_states.h"

namespace bobbin::store {

// Errors: invalid (not of 1..128 bytes).
Result<void> check_ids(const std::string& user, const std::string& thread);
// Of a named request, whose user and key have 1..128 bytes.
std::string request_key_of(const Submit& command);

// Each puts one row and lists it in the change.
void put_message(Change& change, const std::string& user, const std::string& thread, const Message& message);
void put_run(Change& change, const std::string& user, const std::string& thread, const Uuid& run_id,
             const RunRecord& run);
void put_queue_entry(Change& change, const std::string& user, const std::string& thread, uint64_t position,
                     const QueueRecord& entry);
// With the way to it.
void remove_api_key(Batch& batch, const std::string& user, const ApiKey& key);

// What each command does: checks it against the state, then changes state and batch together. A command reads and
// checks all before it changes anything, so one that fails has changed nothing. Internal to storage; the writer's
// thread only.
class Applier {
 public:
  Applier(const Database& database, Batch& batch, StampClock& clock, WallClock wall_clock)
      : database_(database), batch_(batch), clock_(clock), wall_clock_(wall_clock), states_(database) {}

  // Whether `command` reads rows that the batch has not brought to disk yet: commit that first, then apply.
  [[nodiscard]] bool must_commit_before(const Command& command);
  // Whether the batch must be committed before any other command: this one changed threads that nobody listed.
  [[nodiscard]] static bool must_commit_after(const Command& command) {
    return std::holds_alternative<DeleteUserThreads>(command);
  }

  // Takes text out of `command`. Errors: as each command says; io, corrupt from the rows that it reads.
  Result<Reply> apply(Command& command);

  // The batch is on disk.
  void on_group_committed();
  // The batch was dropped: what its commands changed is forgotten, and read from disk again.
  void on_group_dropped();

 private:
  // A message that another one follows.
  struct Parent {
    uint64_t order = 0;  // 0: none, the other one is a root
    uint32_t depth = 0;
    Uuid id;  // where it is a run's question
  };

  Result<Reply> apply(Submit& command);
  Result<Reply> apply(FinishRun& command);
  Result<Reply> apply(StartNext& command);
  Result<Reply> apply(CancelQueued& command);
  Result<Reply> apply(DeleteThread& command);
  Result<Reply> apply(DeleteUserThreads& command);
  Result<Reply> apply(ChangeSetting& command);
  Result<Reply> apply(SetTitle& command);
  Result<Reply> apply(ExpireThread& command);
  Result<Reply> apply(PurgeRows& command);
  Result<Reply> apply(EndErasure& command);
  Result<Reply> apply(TrimChanges& command);
  Result<Reply> apply(MoveFollower& command);
  Result<Reply> apply(ForgetRequests& command);
  Result<Reply> apply(PutMemory& command);
  Result<Reply> apply(CreateAccount& command);
  Result<Reply> apply(ChangeAccount& command);
  Result<Reply> apply(DeleteAccount& command);
  Result<Reply> apply(StartLogin& command);
  Result<Reply> apply(RefreshLogin& command);
  Result<Reply> apply(EndLogin& command);
  Result<Reply> apply(PutInvitation& command);
  Result<Reply> apply(DeleteInvitation& command);
  Result<Reply> apply(PutApiKey& command);
  Result<Reply> apply(DeleteApiKey& command);
  Result<Reply> apply(TouchApiKey& command);

  // What a named request has led to; nullopt: it is new, or has no name. Errors: as Submit says.
  Result<std::optional<Submitted>> find_request(const Submit& command);
  void put_request(const Submit& command, uint64_t incarnation);

  // The parent of a message that is submitted now, as the queue keeps it. Errors: not_found, io, corrupt.
  Result<QueueRecord> resolve_parent(const Submit& command, const ThreadState& state);
  // The parent when the turn starts.
  Result<Parent> parent_of(const std::string& user, const std::string& thread, const QueueRecord& entry,
                           const ThreadState& state);
  // The question of a continuation that starts now. Errors: invalid (there is none), io, corrupt.
  Result<Parent> question_to_continue(const std::string& user, const std::string& thread, const ThreadState& state);
  // Whether the active run's answer goes on where the active branch ends, or stands beside its last answer.
  Result<bool> answers_active_branch(const std::string& user, const std::string& thread, const ThreadState& state);
  Result<std::optional<Message>> read_message(const std::string& user, const std::string& thread, uint64_t order);
  // The first waiting submit with its text; nullopt when none waits.
  Result<std::optional<QueueRecord>> read_next(const std::string& user, const std::string& thread,
                                               const ThreadState& state);

  // Cannot fail.
  Submitted enqueue(Submit& command, QueueRecord entry, ThreadState& state);
  // Begins a run, in a new thread when there is none: all that a turn needs is in state and batch afterwards. Cannot
  // fail.
  StartedRun start_run(const std::string& user, const std::string& thread, ThreadState& state, UserState& owner,
                       QueueRecord entry, uint64_t position, const Parent& parent);
  // The user's message, in batch and summary.
  Parent put_question(Change& change, const std::string& user, const std::string& thread, ThreadSummary& summary,
                      const QueueRecord& entry, const Parent& parent);
  // Ends the active run. Cannot fail.
  // `becomes_active`: as answers_active_branch() says.
  void end_run(FinishRun& command, ThreadState& state, UserState& owner, bool becomes_active);
  void put_answer(Change& change, FinishRun& command, ThreadState& state, bool becomes_active);

  // Ends an existing thread, with its queue. Cannot fail.
  Deleted delete_thread(const std::string& user, const std::string& thread, ThreadState& state, UserState& owner);
  // Removes summary and list row, and notes what remains to be erased under the change that is being made.
  void remove_thread(const std::string& user, const ThreadSummary& summary);

  // Puts the summary into threads and recency. `is_activity` moves the thread to the top of its user's list.
  void put_summary(Change& change, const std::string& user, ThreadState& state, UserState& owner, bool is_activity);
  // Deletes the thread's row in recency.
  void remove_recency(const std::string& user, const ThreadSummary& summary);

  const Database& database_;
  Batch& batch_;
  StampClock& clock_;
  WallClock wall_clock_;
  ThreadStates states_;
  uint64_t group_ = 1;
  std::set<std::string> requests_in_group_;  // keys that the batch puts
  bool identity_in_group_ = false;           // the batch has rows of accounts, logins or API keys
};

}  // namespace bobbin::store
