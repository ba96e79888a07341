#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "storage/types.h"

// Values ⇄ bytes of the records that the engine writes. Source: storage/FORMAT.md, "Records". Internal to storage,
// pure.
//
// append_x appends one whole record to `out` and cannot fail. decode_x gives Code::corrupt for a wrong type, an unknown
// version, a bad checksum, a body that does not fit or an enum value that is not known; the caller names the key.
namespace bobbin::store {

// Frozen: FORMAT.md.
enum class RecordType : uint8_t {
  message = 1,
  summary = 2,
  run = 3,
  queue = 4,
  request = 5,
  change = 6,
  annotation = 7,
  bookmark = 8,
  counter = 9,
  setting = 10,
  feed = 11,
  posting = 12,
  number = 13,
  account = 14,
  account_reference = 15,
  share = 16,
  api_key = 17,
  erasure = 18,
  memory = 19,
  login = 20,
  invitation = 21,
  api_key_reference = 22
};
enum class ParentMode : uint8_t { active_leaf = 1, root = 2, message = 3 };

struct RunRecord {
  RunState state = RunState::running;
  SubmitKind kind = SubmitKind::message;
  uint64_t incarnation = 0;
  int64_t started_us = 0;
  int64_t finished_us = 0;
  Uuid user_message_id;
  Uuid message_id;
  uint64_t user_order = 0;
  uint64_t answer_order = 0;
  uint32_t user_depth = 0;
  std::string options;
  uint64_t terminal_event_id = 0;
  std::string terminal_event;

  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

struct QueueRecord {
  RunState state = RunState::queued;  // queued or running
  bool goes_first = false;            // of a queued one: before all that waited when it came
  SubmitKind kind = SubmitKind::message;
  Uuid run_id;
  int64_t created_us = 0;
  ParentMode parent_mode = ParentMode::active_leaf;
  uint64_t parent_order = 0;  // of ParentMode::message
  std::string content;
  std::string options;

  friend bool operator==(const QueueRecord&, const QueueRecord&) = default;
};

// What an idempotency key stands for.
struct RequestRecord {
  Uuid run_id;
  std::string thread;
  uint64_t incarnation = 0;
  int64_t created_us = 0;
  std::array<uint8_t, 32> hash{};

  friend bool operator==(const RequestRecord&, const RequestRecord&) = default;
};

struct ChangeRecord {
  ChangeOperation operation = ChangeOperation::run_started;
  int64_t at_us = 0;
  std::string user;
  std::string thread;  // empty: all of the user's
  uint64_t incarnation = 0;
  Uuid run_id;  // zero: none
  std::vector<ChangedKey> keys;

  friend bool operator==(const ChangeRecord&, const ChangeRecord&) = default;
};

struct FeedRecord {
  ChangeOperation operation = ChangeOperation::run_started;
  int64_t at_us = 0;
  std::string thread;  // empty: all of the user's
  uint64_t incarnation = 0;
  Uuid run_id;  // zero: none

  friend bool operator==(const FeedRecord&, const FeedRecord&) = default;
};

// What must still be erased of a deleted thread: FORMAT.md, "Deletion".
struct ErasureRecord {
  enum class Stage : uint8_t { rows = 1, files = 2 };
  Stage stage = Stage::rows;
  uint64_t incarnation = 0;
  uint64_t last_stamp = 0;
  uint64_t recency_stamp = 0;
  int64_t deleted_us = 0;

  friend bool operator==(const ErasureRecord&, const ErasureRecord&) = default;
};

// `order` of the message and `thread` of the summary are in the key, not in the record: decode takes them from the
// caller.
void append_message_record(std::string& out, const Message& message);
Result<Message> decode_message(std::string_view record, uint64_t order);
// The same into a message that is as new, whose texts are then views of `record`; on an error it is left half filled.
Result<void> decode_message(std::string_view record, uint64_t order, MessageView& message);

// `order` is in the key, too.
void append_memory_record(std::string& out, const Memory& memory);
Result<Memory> decode_memory(std::string_view record, uint64_t order);

void append_summary_record(std::string& out, const ThreadSummary& summary);
Result<ThreadSummary> decode_summary(std::string_view record, std::string_view thread);

void append_run_record(std::string& out, const RunRecord& run);
Result<RunRecord> decode_run(std::string_view record);

void append_queue_record(std::string& out, const QueueRecord& entry);
Result<QueueRecord> decode_queue(std::string_view record);

void append_request_record(std::string& out, const RequestRecord& request);
Result<RequestRecord> decode_request(std::string_view record);

void append_change_record(std::string& out, const ChangeRecord& change);
Result<ChangeRecord> decode_change(std::string_view record);

void append_feed_record(std::string& out, const FeedRecord& event);
Result<FeedRecord> decode_feed(std::string_view record);

// The JSON of one setting.
void append_setting_record(std::string& out, std::string_view json);
Result<std::string> decode_setting(std::string_view record);

void append_erasure_record(std::string& out, const ErasureRecord& erasure);
Result<ErasureRecord> decode_erasure(std::string_view record);

void append_number_record(std::string& out, uint64_t number);
Result<uint64_t> decode_number(std::string_view record);

}  // namespace bobbin::store
