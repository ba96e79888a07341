#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/uuid.h"

// What the store keeps, as plain values. Every number of an enum is part of the format (storage/FORMAT.md): never
// renumber.
namespace bobbin::store {

enum class Role : uint8_t { system = 1, user = 2, assistant = 3, tool = 4 };

enum class MessageStatus : uint8_t {
  complete = 1,
  interrupted = 2,  // the process died during the answer; the text is what was logged
  stopped = 3,      // the user stopped it
  failed = 4,       // the model's server failed after some text
};

// How a run ended.
enum class RunOutcome : uint8_t { done = 1, error = 2, stopped = 3, interrupted = 4 };

// What a run answers: a new message, the same message once more, or what an answer that ended too early left open.
enum class SubmitKind : uint8_t { message = 1, regenerate = 2, continue_answer = 3 };

// Where a run stands. The last four are RunOutcome; `cancelled` was taken out of the queue before its turn.
enum class RunState : uint8_t {
  queued = 1,
  running = 2,
  done = 3,
  error = 4,
  stopped = 5,
  interrupted = 6,
  cancelled = 7
};

// Tokens as the model's server counted them.
struct Usage {
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t reasoning_tokens = 0;  // part of completion_tokens
  uint64_t total_tokens = 0;

  friend bool operator==(const Usage&, const Usage&) = default;
};

// One message. Immutable once stored. Text: std::string, or std::string_view where somebody else holds the bytes.
template <class Text>
struct BasicMessage {
  Uuid id;                 // UUIDv7 of `order`: an id and its thread give the key
  uint64_t order = 0;      // the stamp of design.md §4: unique and strictly increasing in its thread; never shown
  int64_t created_us = 0;  // what is shown; may disagree with the order when the clock was set
  Role role = Role::user;
  MessageStatus status = MessageStatus::complete;
  Text content;               // UTF-8
  Text reasoning;             // UTF-8, may be empty
  uint64_t parent_order = 0;  // 0: the first message of its branch
  uint32_t depth = 1;         // messages from the root to this one, itself included
  Uuid run_id;                // zero: none (imported)
  Text model;                 // may be empty
  Text finish_reason;         // may be empty
  Text tool_steps;            // JSON bytes, opaque to the store; may be empty
  std::optional<Usage> usage;

  friend bool operator==(const BasicMessage&, const BasicMessage&) = default;

  // The same message with the other kind of text: a copy of its own, or views of this one.
  template <class OtherText>
  [[nodiscard]] BasicMessage<OtherText> as() const {
    return {.id = id,
            .order = order,
            .created_us = created_us,
            .role = role,
            .status = status,
            .content = OtherText(content),
            .reasoning = OtherText(reasoning),
            .parent_order = parent_order,
            .depth = depth,
            .run_id = run_id,
            .model = OtherText(model),
            .finish_reason = OtherText(finish_reason),
            .tool_steps = OtherText(tool_steps),
            .usage = usage};
  }
};
using Message = BasicMessage<std::string>;
using MessageView = BasicMessage<std::string_view>;

// What the model made of the older part of a branch, to be shown to it instead of that part. Derived from the messages:
// it may go at any time.
struct Memory {
  uint64_t order = 0;       // of the newest message that it covers; with its ancestors it names them all
  uint64_t from_order = 0;  // of the oldest: older ones are in no memory
  uint32_t messages = 0;    // how many it covers, at least 1
  int64_t created_us = 0;
  std::string model;  // may be empty
  std::string text;   // UTF-8

  friend bool operator==(const Memory&, const Memory&) = default;
};

// Bits of ThreadSummary::flags.
namespace thread_flags {
inline constexpr uint32_t kBranched =
    1u << 0;  // some message's parent is not the message before it, or the leaf is not the newest
inline constexpr uint32_t kTitleSet = 1u << 1;  // renamed: the title no longer follows the first message
inline constexpr uint32_t kPinned = 1u << 2;
inline constexpr uint32_t kArchived = 1u << 3;
// The row in recency was overwritten since it was made. Storage's own: it decides how that row is deleted.
inline constexpr uint32_t kRecencyRewritten = 1u << 4;
inline constexpr uint32_t kTitleMade = 1u << 5;  // by the model: no longer follows the first message either
// The title is somebody's own: not what the first message says.
inline constexpr uint32_t kTitleOwn = kTitleSet | kTitleMade;
}  // namespace thread_flags

// What a list of threads shows, and what the writer must know of a thread to change it.
struct ThreadSummary {
  std::string thread;
  uint64_t incarnation = 0;  // change sequence of the thread's creation: another one is another thread
  std::string title;         // one line of at most 50 grapheme clusters (+ "...") unless renamed
  std::string preview;       // one line, 60 grapheme clusters of the active branch's last message
  int64_t created_us = 0;
  int64_t updated_us = 0;       // created_us of the last message that was added
  uint32_t message_count = 0;   // of the active branch: the depth of its leaf
  uint64_t total_messages = 0;  // of all branches
  uint64_t active_leaf = 0;     // order of the active branch's last message
  uint64_t newest_order = 0;    // order of the newest stored message of any branch
  uint64_t last_stamp = 0;      // highest order that was ever given out, also to an answer that never came
  uint64_t stamp_floor = 0;     // every message of this incarnation has a larger order
  uint64_t recency_stamp = 0;   // the stamp in this thread's recency key
  Uuid active_run;              // zero: none
  Uuid newest_run;              // the run that started last; never zero for threads that were not imported
  uint32_t keep_s = 0;          // deleted so long after its last message; 0: as its user's others (retention.h)
  uint64_t queue_head = 0;      // no queue entry of this thread has a smaller position
  std::string folder;
  std::vector<std::string> tags;
  uint32_t flags = 0;  // thread_flags

  friend bool operator==(const ThreadSummary&, const ThreadSummary&) = default;
};

// What one command did, as followers are told (FORMAT.md, "Records", change).
enum class ChangeOperation : uint8_t {
  run_started = 1,
  submit_queued = 2,
  run_finished = 3,
  queue_cancelled = 4,
  thread_deleted = 5,        // everything of this incarnation
  user_threads_deleted = 6,  // everything of the user's threads whose incarnation is below the change's sequence
  setting_changed = 7,
  thread_changed = 8,  // what its list shows of it: the title. No message and no run
};

// One entry of the change log that has just become durable.
struct CommittedChange {
  uint64_t sequence = 0;
  ChangeOperation operation = ChangeOperation::run_started;
  std::string user;
};

// A row that a change has written or removed. Read it to know what it holds now; it may have changed again since.
struct ChangedKey {
  enum class What : uint8_t { put = 1, remove = 2 };
  uint8_t family = 0;  // FORMAT.md, "Keys"
  What what = What::put;
  std::string key;

  friend bool operator==(const ChangedKey&, const ChangedKey&) = default;
};

}  // namespace bobbin::store
