// Records: every field survives, the bytes are those of FORMAT.md, and no damaged byte gets through.
#include "storage/records.h"

#include "storage/codec.h"
#include "tests/support/ids.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::store;

namespace {

using bobbin::test::id_of;

Message full_message() {
  Message message;
  message.id = id_of(1);
  message.order = 77;
  message.created_us = -5;
  message.role = Role::assistant;
  message.status = MessageStatus::stopped;
  message.content = std::string("caf\xc3\xa9\0x", 7);
  message.reasoning = "because";
  message.parent_order = 76;
  message.depth = 9;
  message.run_id = id_of(2);
  message.model = "m";
  message.finish_reason = "stop";
  message.tool_steps = "[]";
  message.usage = Usage{1, 2, 3, 4};
  return message;
}

ThreadSummary full_summary() {
  ThreadSummary summary;
  summary.thread = "t";
  summary.incarnation = 1;
  summary.title = "title";
  summary.preview = "preview";
  summary.created_us = 2;
  summary.updated_us = 3;
  summary.message_count = 4;
  summary.total_messages = 5;
  summary.active_leaf = 6;
  summary.newest_order = 7;
  summary.last_stamp = 8;
  summary.stamp_floor = 11;
  summary.keep_s = 12;
  summary.recency_stamp = 9;
  summary.active_run = id_of(3);
  summary.newest_run = id_of(4);
  summary.queue_head = 10;
  summary.folder = "folder";
  summary.tags = {"a", "", "b"};
  summary.flags = thread_flags::kBranched | thread_flags::kPinned;
  return summary;
}

RunRecord full_run() {
  RunRecord run;
  run.state = RunState::interrupted;
  run.kind = SubmitKind::regenerate;
  run.incarnation = 1;
  run.started_us = 2;
  run.finished_us = 3;
  run.user_message_id = id_of(1);
  run.message_id = id_of(2);
  run.user_order = 4;
  run.answer_order = 5;
  run.user_depth = 6;
  run.options = "options";
  run.terminal_event_id = 7;
  run.terminal_event = "{}";
  return run;
}

QueueRecord full_queue() {
  QueueRecord entry;
  entry.state = RunState::running;
  entry.kind = SubmitKind::continue_answer;
  entry.run_id = id_of(1);
  entry.created_us = 2;
  entry.parent_mode = ParentMode::message;
  entry.parent_order = 3;
  entry.content = "content";
  entry.options = "options";
  return entry;
}

ChangeRecord full_change() {
  ChangeRecord change;
  change.operation = ChangeOperation::thread_deleted;
  change.at_us = 1;
  change.user = std::string(128, 'u');
  change.thread = "";
  change.incarnation = 2;
  change.run_id = id_of(9);
  change.keys = {{1, ChangedKey::What::put, "k"}, {5, ChangedKey::What::remove, "a"}};
  return change;
}

// Every single flipped bit, every cut and every added byte must be refused.
template <class Decode>
void check_damage_is_refused(const std::string& record, Decode decode) {
  CHECK(decode(record).has_value());
  for (size_t i = 0; i < record.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = record;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      CHECK_FAILS(decode(damaged), Code::corrupt);
    }
    CHECK_FAILS(decode(record.substr(0, i)), Code::corrupt);
  }
  CHECK_FAILS(decode(record + std::string(1, '\0')), Code::corrupt);
}

// The record with its body changed and its checksum made good again: what only the layout can refuse.
std::string reseal(std::string record) {
  record.resize(record.size() - kRecordTailBytes);
  append_le32(record, checksum32(record));
  return record;
}

}  // namespace

TEST_CASE(a_number_is_these_bytes) {
  std::string record;
  append_number_record(record, 0x0102);
  CHECK_EQ(record.size(), size_t{14});
  CHECK_EQ(record.substr(0, 10), std::string("\x0d\x01\x02\x01\0\0\0\0\0\0", 10));
  CHECK_EQ(load_le32(record.data() + 10), checksum32(record.substr(0, 10)));
  CHECK_EQ(CHECK_OK(decode_number(record)), uint64_t{0x0102});
}

TEST_CASE(the_checksum_is_the_low_half_of_xxh3) {
  // XXH3-64 of no bytes is 2d06800538d394c2, from the test vectors of the xxHash project.
  CHECK_EQ(checksum32(""), 0x38d394c2u);
}

TEST_CASE(a_message_survives) {
  const Message message = full_message();
  std::string record;
  append_message_record(record, message);
  CHECK(CHECK_OK(decode_message(record, 77)) == message);
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_message(bytes, 77); });
}

TEST_CASE(a_message_without_usage_survives) {
  Message message = full_message();
  message.usage.reset();
  message.content.clear();
  std::string record;
  append_message_record(record, message);
  CHECK(CHECK_OK(decode_message(record, 77)) == message);
}

TEST_CASE(a_queue_entry_is_these_bytes) {
  QueueRecord entry = full_queue();
  entry.content = "hi";
  entry.options = "";
  std::string record;
  append_queue_record(record, entry);
  std::string expected("\x04\x01\x02\x03", 4);
  expected += std::string(16, '\x01');
  expected += std::string("\x02\0\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\x02\0\0\0hi\0\0\0\0", 27);
  CHECK_EQ(record.substr(0, record.size() - 4), expected);
}

TEST_CASE(a_summary_survives) {
  std::string record;
  append_summary_record(record, full_summary());
  CHECK(CHECK_OK(decode_summary(record, "t")) == full_summary());
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_summary(bytes, "t"); });
}

TEST_CASE(a_run_survives) {
  std::string record;
  append_run_record(record, full_run());
  CHECK(CHECK_OK(decode_run(record)) == full_run());
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_run(bytes); });
}

TEST_CASE(a_queue_entry_survives) {
  std::string record;
  append_queue_record(record, full_queue());
  CHECK(CHECK_OK(decode_queue(record)) == full_queue());
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_queue(bytes); });
}

TEST_CASE(a_change_survives) {
  std::string record;
  append_change_record(record, full_change());
  CHECK(CHECK_OK(decode_change(record)) == full_change());
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_change(bytes); });
}

TEST_CASE(a_feed_event_survives) {
  const FeedRecord event{ChangeOperation::run_finished, 1, "t", 2, id_of(3)};
  std::string record;
  append_feed_record(record, event);
  CHECK(CHECK_OK(decode_feed(record)) == event);
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_feed(bytes); });
}

TEST_CASE(an_erasure_is_these_bytes) {
  const ErasureRecord erasure{ErasureRecord::Stage::files, 1, 2, 4, 3};
  std::string record;
  append_erasure_record(record, erasure);
  CHECK_EQ(record.substr(0, record.size() - 4),
           std::string("\x12\x01\x02\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0", 35));
  CHECK(CHECK_OK(decode_erasure(record)) == erasure);
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_erasure(bytes); });
}

TEST_CASE(a_memory_is_these_bytes) {
  const Memory memory{.order = 9, .from_order = 3, .messages = 4, .created_us = 5, .model = "m", .text = "so far"};
  std::string record;
  append_memory_record(record, memory);
  CHECK_EQ(record.substr(0, record.size() - 4), std::string("\x13\x01\x03\0\0\0\0\0\0\0\x04\0\0\0\x05\0\0\0\0\0\0\0"
                                                            "\x01\0\0\0m\x06\0\0\0so far",
                                                            37));
  CHECK(CHECK_OK(decode_memory(record, 9)) == memory);
  check_damage_is_refused(record, [](const std::string& bytes) { return decode_memory(bytes, 9); });
  CHECK_FAILS(decode_memory(record, 2), Code::corrupt);  // it would begin after its end
}

TEST_CASE(another_type_or_version_is_refused_though_its_checksum_is_good) {
  std::string record;
  append_run_record(record, full_run());
  CHECK_FAILS(decode_queue(record), Code::corrupt);
  std::string newer = record;
  newer[1] = 2;
  CHECK_FAILS(decode_run(reseal(newer)), Code::corrupt);
  std::string unknown_state = record;
  unknown_state[2] = 8;
  CHECK_FAILS(decode_run(reseal(unknown_state)), Code::corrupt);
}

TEST_CASE(a_count_that_the_body_cannot_hold_is_refused_without_memory_for_it) {
  ThreadSummary summary = full_summary();
  summary.tags.clear();
  std::string record;
  append_summary_record(record, summary);
  for (size_t i = 1; i <= 4; ++i) record[record.size() - kRecordTailBytes - i] = '\xff';
  CHECK_FAILS(decode_summary(reseal(record), "t"), Code::corrupt);
}
