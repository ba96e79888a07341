// Segments of the run log. Any bytes give frames that lie within them and are what a writer would have written. A
// segment that was cut or damaged anywhere gives the frames before that place, and nothing else.

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "storage/codec.h"
#include "storage/run_log_format.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using store::Frame;
using store::FrameReader;

void check_any_bytes(std::string_view bytes, FrameReader::From from) {
  FrameReader frames(bytes, from);
  size_t at = frames.believed_bytes();
  FUZZ_CHECK(at <= bytes.size());
  Frame frame;
  while (frames.next(frame)) {
    touch(frame.bytes);
    std::string written;
    store::append_frame(written, frame);
    FUZZ_CHECK(bytes.substr(at, frames.believed_bytes() - at) == written);
    at = frames.believed_bytes();
    FUZZ_CHECK(at <= bytes.size());
  }
  FUZZ_CHECK(frames.believed_bytes() == at);
}

// The bytes as a frame, checksum and all: or nothing would ever get past it.
std::string sealed(std::string_view payload) {
  std::string out;
  append_le32(out, static_cast<uint32_t>(payload.size()));
  append_le32(out, store::checksum32(payload));
  out.append(payload);
  return out;
}

void check_damage(std::string_view input) {
  Choices choices(input);
  std::string segment;
  store::append_segment_head(segment, choices.number(), static_cast<int64_t>(choices.number()));
  std::vector<size_t> ends{segment.size()};
  const size_t damage_at = choices.byte() | size_t{choices.byte()} << 8;
  const uint8_t damage = choices.byte();
  while (!choices.is_empty() && ends.size() < 8) {
    Frame frame;
    frame.kind = static_cast<store::RunLogKind>(1 + choices.below(5));
    frame.run_id.bytes[0] = choices.byte();
    frame.event_id = choices.byte();
    frame.bytes = choices.text(64);
    store::append_frame(segment, frame);
    ends.push_back(segment.size());
  }
  std::string damaged = segment;
  const size_t place = damage_at % segment.size();
  if (damage == 0) {
    damaged.resize(place);
  } else {
    damaged[place] = static_cast<char>(damaged[place] ^ damage);
  }
  size_t whole_bytes = 0;  // up to the last frame that ends before the damage
  for (const size_t end : ends) {
    if (end <= place) whole_bytes = end;
  }
  FrameReader frames(damaged, FrameReader::From::head);
  Frame frame;
  while (frames.next(frame)) touch(frame.bytes);
  FUZZ_CHECK(frames.believed_bytes() == whole_bytes);
  check_any_bytes(damaged, FrameReader::From::head);
}

}  // namespace

void run(std::string_view input) {
  check_any_bytes(input, FrameReader::From::head);
  check_any_bytes(input, FrameReader::From::frame);
  std::string segment;
  store::append_segment_head(segment, 1, 1);
  segment += sealed(input) + sealed(input.substr(input.size() / 2));
  check_any_bytes(segment, FrameReader::From::head);
  check_damage(input);
}

}  // namespace bobbin::fuzz
