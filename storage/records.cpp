#include "storage/records.h"

#include <cstring>

#include "storage/record_codec.h"

namespace bobbin::store {
namespace {

constexpr uint8_t kHasUsage = 1;
constexpr uint8_t kQueuedFirst = 3;  // as the state of a queue entry

bool is_operation(ChangeOperation operation) {
  return in_range(operation, ChangeOperation::run_started, ChangeOperation::thread_changed);
}

}  // namespace

// The checksum comes first: nothing else of damaged bytes means anything.
Result<RecordReader> open_record(std::string_view record, RecordType type) {
  if (record.size() < kRecordHeadBytes + kRecordTailBytes) return fail(Code::corrupt, 0, "record is too short");
  const size_t sealed = record.size() - kRecordTailBytes;
  if (checksum32(record.substr(0, sealed)) != load_le32(record.data() + sealed)) {
    return fail(Code::corrupt, 0, "record fails its checksum");
  }
  if (static_cast<uint8_t>(record[0]) != static_cast<uint8_t>(type)) {
    return fail(Code::corrupt, static_cast<uint8_t>(record[0]), "record is of another type");
  }
  if (static_cast<uint8_t>(record[1]) != kRecordVersion) {
    return fail(Code::corrupt, static_cast<uint8_t>(record[1]), "record has a version that this program does not know");
  }
  return RecordReader(record.substr(kRecordHeadBytes, sealed - kRecordHeadBytes));
}

void append_message_record(std::string& out, const Message& message) {
  auto record = begin_record(out, RecordType::message);
  record.id(message.id);
  record.u8(static_cast<uint8_t>(message.role));
  record.u8(static_cast<uint8_t>(message.status));
  record.u8(message.usage ? kHasUsage : 0);
  record.time(message.created_us);
  record.le64(message.parent_order);
  record.le32(message.depth);
  record.id(message.run_id);
  record.blob(message.model);
  record.blob(message.finish_reason);
  record.blob(message.content);
  record.blob(message.reasoning);
  record.blob(message.tool_steps);
  if (message.usage) {
    record.le64(message.usage->prompt_tokens);
    record.le64(message.usage->completion_tokens);
    record.le64(message.usage->reasoning_tokens);
    record.le64(message.usage->total_tokens);
  }
  record.finish();
}

// A page of history decodes 50 of them: what is before the first text is checked at once.
constexpr size_t kMessageFixedBytes = 16 + 1 + 1 + 1 + 8 + 8 + 4 + 16;

Result<void> decode_message(std::string_view bytes, uint64_t order, MessageView& message) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::message));
  const std::string_view fixed = record.take(kMessageFixedBytes);
  if (fixed.empty()) return misfit();
  FixedFields field(fixed);
  message.order = order;
  message.id = field.id();
  message.role = static_cast<Role>(field.u8());
  message.status = static_cast<MessageStatus>(field.u8());
  const uint8_t has = field.u8();
  message.created_us = field.time();
  message.parent_order = field.le64();
  message.depth = field.le32();
  message.run_id = field.id();
  message.model = record.blob();
  message.finish_reason = record.blob();
  message.content = record.blob();
  message.reasoning = record.blob();
  message.tool_steps = record.blob();
  if ((has & kHasUsage) != 0) {
    Usage& usage = message.usage.emplace();
    usage.prompt_tokens = record.le64();
    usage.completion_tokens = record.le64();
    usage.reasoning_tokens = record.le64();
    usage.total_tokens = record.le64();
  }
  if (!record.at_end() || has > kHasUsage || !in_range(message.role, Role::system, Role::tool) ||
      !in_range(message.status, MessageStatus::complete, MessageStatus::failed)) {
    return misfit();
  }
  return {};
}

Result<Message> decode_message(std::string_view bytes, uint64_t order) {
  MessageView message;
  TRY(decode_message(bytes, order, message));
  return message.as<std::string>();
}

void append_memory_record(std::string& out, const Memory& memory) {
  auto record = begin_record(out, RecordType::memory);
  record.le64(memory.from_order);
  record.le32(memory.messages);
  record.time(memory.created_us);
  record.blob(memory.model);
  record.blob(memory.text);
  record.finish();
}

Result<Memory> decode_memory(std::string_view bytes, uint64_t order) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::memory));
  Memory memory;
  memory.order = order;
  memory.from_order = record.le64();
  memory.messages = record.le32();
  memory.created_us = record.time();
  memory.model = record.blob();
  memory.text = record.blob();
  if (!record.at_end() || memory.from_order > order || memory.messages == 0) return misfit();
  return memory;
}

void append_summary_record(std::string& out, const ThreadSummary& summary) {
  auto record = begin_record(out, RecordType::summary);
  record.le64(summary.incarnation);
  record.time(summary.created_us);
  record.time(summary.updated_us);
  record.le32(summary.message_count);
  record.le64(summary.total_messages);
  record.le64(summary.active_leaf);
  record.le64(summary.newest_order);
  record.le64(summary.last_stamp);
  record.le64(summary.stamp_floor);
  record.le64(summary.recency_stamp);
  record.id(summary.active_run);
  record.id(summary.newest_run);
  record.le64(summary.queue_head);
  record.le32(summary.keep_s);
  record.le32(summary.flags);
  record.blob(summary.title);
  record.blob(summary.preview);
  record.blob(summary.folder);
  record.le32(static_cast<uint32_t>(summary.tags.size()));
  for (const std::string& tag : summary.tags) record.blob(tag);
  record.finish();
}

Result<ThreadSummary> decode_summary(std::string_view bytes, std::string_view thread) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::summary));
  ThreadSummary summary;
  summary.thread = thread;
  summary.incarnation = record.le64();
  summary.created_us = record.time();
  summary.updated_us = record.time();
  summary.message_count = record.le32();
  summary.total_messages = record.le64();
  summary.active_leaf = record.le64();
  summary.newest_order = record.le64();
  summary.last_stamp = record.le64();
  summary.stamp_floor = record.le64();
  summary.recency_stamp = record.le64();
  summary.active_run = record.id();
  summary.newest_run = record.id();
  summary.queue_head = record.le64();
  summary.keep_s = record.le32();
  summary.flags = record.le32();
  summary.title = record.blob();
  summary.preview = record.blob();
  summary.folder = record.blob();
  const uint32_t tag_count = record.le32();
  if (tag_count > record.bytes_left() / 4) return misfit();  // each takes four bytes at least
  for (uint32_t i = 0; i < tag_count; ++i) summary.tags.emplace_back(record.blob());
  if (!record.at_end()) return misfit();
  return summary;
}

void append_run_record(std::string& out, const RunRecord& run) {
  auto record = begin_record(out, RecordType::run);
  record.u8(static_cast<uint8_t>(run.state));
  record.u8(static_cast<uint8_t>(run.kind));
  record.le64(run.incarnation);
  record.time(run.started_us);
  record.time(run.finished_us);
  record.id(run.user_message_id);
  record.id(run.message_id);
  record.le64(run.user_order);
  record.le64(run.answer_order);
  record.le32(run.user_depth);
  record.blob(run.options);
  record.le64(run.terminal_event_id);
  record.blob(run.terminal_event);
  record.finish();
}

Result<RunRecord> decode_run(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::run));
  RunRecord run;
  run.state = static_cast<RunState>(record.u8());
  run.kind = static_cast<SubmitKind>(record.u8());
  run.incarnation = record.le64();
  run.started_us = record.time();
  run.finished_us = record.time();
  run.user_message_id = record.id();
  run.message_id = record.id();
  run.user_order = record.le64();
  run.answer_order = record.le64();
  run.user_depth = record.le32();
  run.options = record.blob();
  run.terminal_event_id = record.le64();
  run.terminal_event = record.blob();
  if (!record.at_end() || !in_range(run.state, RunState::running, RunState::cancelled) ||
      !in_range(run.kind, SubmitKind::message, SubmitKind::continue_answer)) {
    return misfit();
  }
  return run;
}

void append_queue_record(std::string& out, const QueueRecord& entry) {
  auto record = begin_record(out, RecordType::queue);
  record.u8(entry.state == RunState::queued && entry.goes_first ? kQueuedFirst : static_cast<uint8_t>(entry.state));
  record.u8(static_cast<uint8_t>(entry.kind));
  record.id(entry.run_id);
  record.time(entry.created_us);
  record.u8(static_cast<uint8_t>(entry.parent_mode));
  record.le64(entry.parent_order);
  record.blob(entry.content);
  record.blob(entry.options);
  record.finish();
}

Result<QueueRecord> decode_queue(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::queue));
  QueueRecord entry;
  const uint8_t state = record.u8();
  entry.goes_first = state == kQueuedFirst;
  entry.state = entry.goes_first ? RunState::queued : static_cast<RunState>(state);
  entry.kind = static_cast<SubmitKind>(record.u8());
  entry.run_id = record.id();
  entry.created_us = record.time();
  entry.parent_mode = static_cast<ParentMode>(record.u8());
  entry.parent_order = record.le64();
  entry.content = record.blob();
  entry.options = record.blob();
  if (!record.at_end() || !in_range(entry.state, RunState::queued, RunState::running) ||
      !in_range(entry.kind, SubmitKind::message, SubmitKind::continue_answer) ||
      !in_range(entry.parent_mode, ParentMode::active_leaf, ParentMode::message)) {
    return misfit();
  }
  return entry;
}

void append_request_record(std::string& out, const RequestRecord& request) {
  auto record = begin_record(out, RecordType::request);
  record.id(request.run_id);
  record.str(request.thread);
  record.le64(request.incarnation);
  record.time(request.created_us);
  record.raw({reinterpret_cast<const char*>(request.hash.data()), request.hash.size()});
  record.finish();
}

Result<RequestRecord> decode_request(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::request));
  RequestRecord request;
  request.run_id = record.id();
  request.thread = record.str();
  request.incarnation = record.le64();
  request.created_us = record.time();
  const std::string_view hash = record.take(request.hash.size());
  if (hash.empty() || !record.at_end()) return misfit();
  std::memcpy(request.hash.data(), hash.data(), hash.size());
  return request;
}

void append_change_record(std::string& out, const ChangeRecord& change) {
  auto record = begin_record(out, RecordType::change);
  record.u8(static_cast<uint8_t>(change.operation));
  record.time(change.at_us);
  record.str(change.user);
  record.str(change.thread);
  record.le64(change.incarnation);
  record.id(change.run_id);
  record.le32(static_cast<uint32_t>(change.keys.size()));
  for (const ChangedKey& key : change.keys) {
    record.u8(key.family);
    record.u8(static_cast<uint8_t>(key.what));
    record.blob(key.key);
  }
  record.finish();
}

Result<ChangeRecord> decode_change(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::change));
  ChangeRecord change;
  change.operation = static_cast<ChangeOperation>(record.u8());
  change.at_us = record.time();
  change.user = record.str();
  change.thread = record.str();
  change.incarnation = record.le64();
  change.run_id = record.id();
  const uint32_t key_count = record.le32();
  if (key_count > record.bytes_left() / 6) return misfit();  // each takes six bytes at least
  for (uint32_t i = 0; i < key_count; ++i) {
    ChangedKey& key = change.keys.emplace_back();
    key.family = record.u8();
    key.what = static_cast<ChangedKey::What>(record.u8());
    key.key = record.blob();
    if (!in_range(key.what, ChangedKey::What::put, ChangedKey::What::remove)) return misfit();
  }
  if (!record.at_end() || !is_operation(change.operation)) return misfit();
  return change;
}

void append_feed_record(std::string& out, const FeedRecord& event) {
  auto record = begin_record(out, RecordType::feed);
  record.u8(static_cast<uint8_t>(event.operation));
  record.time(event.at_us);
  record.str(event.thread);
  record.le64(event.incarnation);
  record.id(event.run_id);
  record.finish();
}

Result<FeedRecord> decode_feed(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::feed));
  FeedRecord event;
  event.operation = static_cast<ChangeOperation>(record.u8());
  event.at_us = record.time();
  event.thread = record.str();
  event.incarnation = record.le64();
  event.run_id = record.id();
  if (!record.at_end() || !is_operation(event.operation)) return misfit();
  return event;
}

void append_setting_record(std::string& out, std::string_view json) {
  auto record = begin_record(out, RecordType::setting);
  record.blob(json);
  record.finish();
}

Result<std::string> decode_setting(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::setting));
  std::string json(record.blob());
  if (!record.at_end()) return misfit();
  return json;
}

void append_erasure_record(std::string& out, const ErasureRecord& erasure) {
  auto record = begin_record(out, RecordType::erasure);
  record.u8(static_cast<uint8_t>(erasure.stage));
  record.le64(erasure.incarnation);
  record.le64(erasure.last_stamp);
  record.le64(erasure.recency_stamp);
  record.time(erasure.deleted_us);
  record.finish();
}

Result<ErasureRecord> decode_erasure(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::erasure));
  ErasureRecord erasure;
  erasure.stage = static_cast<ErasureRecord::Stage>(record.u8());
  erasure.incarnation = record.le64();
  erasure.last_stamp = record.le64();
  erasure.recency_stamp = record.le64();
  erasure.deleted_us = record.time();
  if (!record.at_end() || !in_range(erasure.stage, ErasureRecord::Stage::rows, ErasureRecord::Stage::files)) {
    return misfit();
  }
  return erasure;
}

void append_number_record(std::string& out, uint64_t number) {
  auto record = begin_record(out, RecordType::number);
  record.le64(number);
  record.finish();
}

Result<uint64_t> decode_number(std::string_view bytes) {
  TRY_ASSIGN(auto record, open_record(bytes, RecordType::number));
  const uint64_t number = record.le64();
  if (!record.at_end()) return misfit();
  return number;
}

}  // namespace bobbin::store
