// The bytes of a segment, against bytes written by hand from storage/FORMAT.md.
#include "storage/run_log_format.h"

#include "src/base/bytes.h"
#include "storage/codec.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace std::string_literals;

namespace {

const std::string kHead = "bobrunl\x01"s +           // magic, version
                          "\x2a\0\0\0\0\0\0\0"s      // number 42
                          "\x40\x42\x0f\0\0\0\0\0"s  // 1'000'000 us
                          "\xd7\x7a\xbf\xc5"s;       // checksum
const std::string kToken =
    "\x1b\0\0\0"s        // 27 bytes
    "\x3b\xc8\xb2\xf0"s  // checksum
    "\x02"s              // token
    "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"s
    "\7\0\0\0\0\0\0\x80"s  // event id 2^63 + 7
    "hi"s;
const std::string kEmptyEvent =
    "\x19\0\0\0"s        // 25 bytes: no text
    "\x0d\xe3\x3f\x04"s  // checksum
    "\x01"s              // event
    "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"s
    "\x08\0\0\0\0\0\0\0"s;

Uuid counting_id() {
  Uuid id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<uint8_t>(i);
  return id;
}

size_t count_frames(std::string_view bytes) {
  size_t count = 0;
  Frame frame;
  for (FrameReader frames(bytes, FrameReader::From::head); frames.next(frame);) ++count;
  return count;
}

}  // namespace

TEST_CASE(head_and_frames_are_the_bytes_of_the_format) {
  std::string out;
  append_segment_head(out, 42, 1'000'000);
  CHECK(out == kHead);
  out.clear();
  append_frame(out, {.kind = RunLogKind::token, .run_id = counting_id(), .event_id = (1ull << 63) + 7, .bytes = "hi"});
  CHECK(out == kToken);
  out.clear();
  append_frame(out, {.kind = RunLogKind::event, .run_id = counting_id(), .event_id = 8, .bytes = ""});
  CHECK(out == kEmptyEvent);
}

TEST_CASE(frames_are_read_as_they_were_written) {
  const std::string segment = kHead + kToken + kEmptyEvent;
  FrameReader frames(segment, FrameReader::From::head);
  CHECK_EQ(frames.believed_bytes(), kHead.size());
  Frame frame;
  CHECK(frames.next(frame));
  CHECK(frame.kind == RunLogKind::token && frame.run_id == counting_id());
  CHECK_EQ(frame.event_id, (uint64_t{1} << 63) + 7);
  CHECK_EQ(frame.bytes, "hi");
  CHECK(frames.next(frame));
  CHECK(frame.kind == RunLogKind::event && frame.event_id == 8 && frame.bytes.empty());
  CHECK(!frames.next(frame));
  CHECK_EQ(frames.believed_bytes(), segment.size());
}

TEST_CASE(what_is_no_frame_of_this_format_ends_the_segment) {
  CHECK_EQ(count_frames(kHead + kToken + std::string(4096, '\0') + kToken), size_t{1});  // a tail of zeros
  std::string other_version = kHead.substr(0, kSegmentHeadBytes - 4);
  other_version[7] = '\x02';
  append_le32(other_version, checksum32(other_version));
  CHECK_EQ(count_frames(other_version + kToken), size_t{0});
  CHECK_EQ(count_frames(kToken), size_t{0});  // no head
  // Kinds 0 and 6, with checksums that are right.
  for (const char kind : {'\0', '\6'}) {
    std::string frame;
    append_frame(frame, {.kind = static_cast<RunLogKind>(kind), .run_id = counting_id(), .event_id = 1, .bytes = "x"});
    CHECK_EQ(count_frames(kHead + frame), size_t{0});
  }
}

TEST_CASE(a_frame_of_the_largest_size_is_read_and_a_larger_size_is_not_believed) {
  const std::string text(kFrameTextBytesMax, 'x');
  std::string segment = kHead;
  append_frame(segment, {.kind = RunLogKind::event, .run_id = counting_id(), .event_id = 1, .bytes = text});
  CHECK_EQ(count_frames(segment), size_t{1});
  // One more, checksummed as if it were allowed: made from the payload that the frame has, and a byte.
  std::string longer(kFrameHeadBytes, '\0');
  longer += segment.substr(kHead.size() + kFrameHeadBytes) + "x";
  const uint32_t size = static_cast<uint32_t>(longer.size() - kFrameHeadBytes);
  for (size_t i = 0; i < 4; ++i) longer[i] = static_cast<char>(size >> (8 * i));
  const uint32_t checksum = checksum32(std::string_view(longer).substr(kFrameHeadBytes));
  for (size_t i = 0; i < 4; ++i) longer[4 + i] = static_cast<char>(checksum >> (8 * i));
  CHECK_EQ(count_frames(kHead + longer), size_t{0});
}
