#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/account_commands.h"
#include "storage/family.h"
#include "storage/types.h"

// Everything that changes the store: plain commands, and what the writer answers once the change is on disk.
//
// `user` and `thread` are 1..128 bytes, otherwise Code::invalid. A command that fails has changed nothing.
namespace bobbin::store {

enum class OnBusy : uint8_t {
  queue,      // wait for the thread's turn
  reject,     // Code::busy
  interrupt,  // wait, but before all others: whoever submits it stops the active run (Submitted::active_run)
};

// What a client calls its request, so that a second try is the same request. Good for kRequestKeptUs.
struct RequestKey {
  std::string key;                 // 1..128 bytes; empty: the request has no name
  std::array<uint8_t, 32> hash{};  // SHA-256 of what was asked, thread and all
};
inline constexpr int64_t kRequestKeptUs = int64_t{24} * 3600 * 1'000'000;

// Asks for an answer: to a new message, or to go on with one that ended too early. Creates the thread when it is not
// there.
//
// It starts at once when the thread has neither an active run nor waiting entries; otherwise `on_busy` decides.
// Errors: busy (also: a continuation, which never waits); queue_full (limits::kThreadQueueMax wait already); not_found
// (`parent`; a continuation in a thread that is not there); too_large (content or options above kCommandBytesMax);
// too_many_runs (only_known); idempotency_mismatch (the request's key is known with another hash); gone (it is known,
// but its thread was deleted); invalid (also: run_id is zero, active or waiting in this thread; another keep_s; nothing
// to continue).
struct Submit {
  std::string user;
  std::string thread;
  // continue_answer: the newest answer of the active branch, if it did not become complete, or the question that it
  // ends with, is answered (again); no content and no parent. The new answer stands beside the old one and is the
  // active one once it is there.
  SubmitKind kind = SubmitKind::message;
  Uuid run_id;             // made by the caller, never used before
  std::string content;     // UTF-8, not checked again here
  int64_t created_us = 0;  // when it was submitted: shown while it waits; the message has the time of its turn
  // Absent: continue the active branch as it is when the turn starts. Zero: a new root. Else the id of the message that
  // the new one answers: makes a branch where that message has an answer already, and makes it the active one.
  std::optional<Uuid> parent;
  OnBusy on_busy = OnBusy::queue;
  std::string options;  // opaque small bytes (model …), kept with the queue entry and the run
  // Of a thread that this submit makes: it is deleted so many seconds after its last message (storage/retention.h). 0:
  // as long as its user's others. A thread that is there already keeps what it was made with: another number, not 0, is
  // refused.
  uint32_t keep_s = 0;
  RequestKey request;
  // The user has as many runs as allowed: a request that is known is joined, anything else is refused.
  bool only_known = false;
};

// One run as it begins. Its stamps and ids are fixed and kept in the run's record: no other message can take them.
struct StartedRun {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;
  Uuid run_id;
  Uuid user_message_id;
  Uuid message_id;  // of the answer
  uint64_t user_order = 0;
  uint64_t answer_order = 0;
  SubmitKind kind = SubmitKind::message;
  // The newest message of the branch when the run began, before its own question: user_depth - 1 messages, of which the
  // newest has this order (0: the question is a root). Who has read the branch before this run began knows by the two
  // whether it read all of it. Of a continuation: the order of what it continues, an answer or a question.
  uint64_t parent_order = 0;
  uint32_t user_depth = 1;
  std::string content;  // the user's message
  std::string options;
};

struct Submitted {
  enum class State : uint8_t {
    started,
    queued,
    joined,  // the request was known: nothing was changed; `thread` and `run_id` say what it led to
  };
  State state = State::started;
  std::string thread;  // when joined
  Uuid run_id;
  uint64_t incarnation = 0;
  bool thread_created = false;
  std::optional<StartedRun> run;  // when started
  uint32_t position = 0;          // when queued: 1 is next
  Uuid active_run;                // when queued to interrupt: what is to be stopped; zero: nothing is active
};

// The text of an answer, whole or partial.
struct Answer {
  std::string content;
  std::string reasoning;
  std::string model;
  std::string finish_reason;
  std::string tool_steps;
  std::optional<Usage> usage;
  MessageStatus status = MessageStatus::complete;
};

// The end of a run. Without `answer` the branch ends with the user's message.
//
// Errors: too_large (answer above kCommandBytesMax), invalid.
struct FinishRun {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;
  Uuid run_id;
  RunOutcome outcome = RunOutcome::done;
  std::optional<Answer> answer;
  std::string terminal_event;      // the bytes that a client which comes back is sent
  uint64_t terminal_event_id = 0;  // its number in the run's stream
  bool start_next = true;          // false while draining: the queue stays for the next process
};

struct Finished {
  bool applied = false;            // false: thread, incarnation or run is no longer alive; nothing was written
  std::optional<StartedRun> next;  // the first waiting submit, started in the same batch
};

// Starts the first waiting submit of a thread without an active run (after a restart).
struct StartNext {
  std::string user;
  std::string thread;
};

struct StartedNext {
  std::optional<StartedRun> run;  // absent: unknown thread, nothing waits, or a run is active
};

// Takes a waiting submit out of the queue; its run is then known as `cancelled`. An active run is not touched.
struct CancelQueued {
  std::string user;
  std::string thread;
  Uuid run_id;
  std::string terminal_event;  // as in FinishRun, for clients that ask for the run later
  uint64_t terminal_event_id = 0;
};

struct Cancelled {
  bool found = false;
};

// Deletes a thread with its messages, runs and queue. Errors: not_found.
struct DeleteThread {
  std::string user;
  std::string thread;
};

// Deletes all threads of one user. Other families of the user (settings …) stay. No threads: zero counts.
struct DeleteUserThreads {
  std::string user;
};

struct Deleted {
  struct Run {
    std::string thread;
    Uuid run_id;
    bool active = false;  // false: it was waiting
  };
  uint64_t sessions = 0;
  uint64_t messages = 0;  // of all branches
  std::vector<Run> cancelled;
};

// Sets one of a user's settings, or with an empty `json` takes it back. What values mean is for those who read them.
// Errors: invalid (name), too_large (above kSettingBytesMax), not_found (of an account that is gone).
struct ChangeSetting {
  std::string user;
  std::string name;  // 1..64 small letters, digits and underscores
  std::string json;
};
inline constexpr size_t kSettingNameBytesMax = 64;
inline constexpr size_t kSettingBytesMax = 64 * 1024;

// Keeps what the model made of the older part of a branch. Derived, so it makes no change entry. Nothing happens when
// the thread is not there, is another incarnation, or does not have the message that `memory` ends with. Errors:
// too_large (text or model above kMemoryBytesMax).
struct PutMemory {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;
  Memory memory;
  std::vector<uint64_t> replaces;  // orders of memories that go with it: of older parts, and of branches that were left
};
inline constexpr size_t kMemoryBytesMax = 64 * 1024;

enum class TitleBy : uint8_t {
  model,  // only in the place of the title that follows the first message: one that has been set stays
  user,   // in the place of any
};

// Gives a thread another title. Moves it nowhere in its user's list, and waits for no run.
//
// Errors: not_found (no such thread, or another incarnation of it); invalid (title empty or above kTitleBytesMax).
struct SetTitle {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;  // 0: whichever has the id
  std::string title;         // UTF-8, one line; neither is checked again here
  TitleBy by = TitleBy::user;
};
inline constexpr size_t kTitleBytesMax = 4096;

struct TitleSet {
  bool applied = false;  // false: nothing was written, as the title is another one's already, or is the same
};

// Below: asked for by the store's own housekeeping (storage/housekeeper.h) and by followers. Only ExpireThread, which
// is a deletion, makes a change entry.

// Deletes a thread that has been idle since before `idle_since_us` and is still that incarnation; else nothing. →
// Deleted
struct ExpireThread {
  std::string user;
  std::string thread;
  uint64_t incarnation = 0;
  int64_t idle_since_us = 0;
};

// A row of a thread that was deleted: out of reach of every query.
struct DeadRow {
  Family family = Family::messages;
  std::string key;
};

// Deletes dead rows of the thread whose deletion was change `deletion`. `is_last`: there are no more.
struct PurgeRows {
  std::string user;
  std::string thread;
  uint64_t deletion = 0;
  std::vector<DeadRow> rows;
  bool is_last = false;
};

// Nothing is left of that thread in any file.
struct EndErasure {
  std::string user;
  std::string thread;
  uint64_t deletion = 0;
};

// Removes the oldest change entries and their feed events. Errors: invalid (the newest is among them).
struct TrimChanges {
  std::vector<CommittedChange> changes;  // from the oldest that is kept, without a gap
};

// Notes durably how far a follower has come. Errors: invalid (name, or a position that is not reached yet).
struct MoveFollower {
  std::string name;  // 1..64 small letters, digits and hyphens
  uint64_t position = 0;
};
inline constexpr size_t kFollowerNameBytesMax = 64;

// Forgets requests whose time is over: full keys of the family idempotency. Those that were made anew stay.
struct ForgetRequests {
  std::vector<std::string> keys;
};

struct Done {};

// Content, reasoning, tool steps, options: none of them may be longer.
inline constexpr size_t kCommandBytesMax = 16 * 1024 * 1024;

using Command = std::variant<Submit, FinishRun, StartNext, CancelQueued, DeleteThread, DeleteUserThreads, ChangeSetting,
                             SetTitle, ExpireThread, PurgeRows, EndErasure, TrimChanges, MoveFollower, ForgetRequests,
                             PutMemory, CreateAccount, ChangeAccount, DeleteAccount, StartLogin, RefreshLogin, EndLogin,
                             PutInvitation, DeleteInvitation, PutApiKey, DeleteApiKey, TouchApiKey>;

// In the order of Command: Submit → Submitted, FinishRun → Finished, StartNext → StartedNext, CancelQueued → Cancelled,
// deletes → Deleted, SetTitle → TitleSet, those of account_commands.h as it says, all others → Done.
using Reply =
    std::variant<Submitted, Finished, StartedNext, Cancelled, Deleted, TitleSet, Done, AccountDone, Refreshed>;

}  // namespace bobbin::store
