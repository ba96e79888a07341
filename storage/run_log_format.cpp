#include "storage/run_log_format.h"

#include <cstring>

#include "src/base/assert.h"
#include "src/base/bytes.h"
#include "storage/codec.h"

namespace bobbin::store {
namespace {

constexpr std::string_view kMagic("bobrunl\x01", 8);
constexpr size_t kNumberAt = kMagic.size();
constexpr size_t kChecksumAt = kSegmentHeadBytes - 4;
static_assert(kChecksumAt == kNumberAt + 8 + 8);
static_assert(kFrameFixedBytes == 1 + 16 + 8);

bool is_whole_head(std::string_view bytes) noexcept {
  return bytes.size() >= kSegmentHeadBytes && bytes.starts_with(kMagic) &&
         load_le32(bytes.data() + kChecksumAt) == checksum32(bytes.substr(0, kChecksumAt));
}

bool is_kind(char byte) noexcept {
  return byte >= static_cast<char>(RunLogKind::event) && byte <= static_cast<char>(RunLogKind::tool_steps);
}

}  // namespace

void append_segment_head(std::string& out, uint64_t number, int64_t created_us) {
  const size_t from = out.size();
  out.append(kMagic);
  append_le64(out, number);
  append_le64(out, static_cast<uint64_t>(created_us));
  append_le32(out, checksum32(std::string_view(out).substr(from)));
}

void append_frame(std::string& out, const Frame& frame) {
  BOBBIN_ASSERT(frame.bytes.size() <= kFrameTextBytesMax);
  const size_t from = out.size();
  append_le32(out, static_cast<uint32_t>(kFrameFixedBytes + frame.bytes.size()));
  append_le32(out, 0);
  out.push_back(static_cast<char>(frame.kind));
  out.append(reinterpret_cast<const char*>(frame.run_id.bytes.data()), frame.run_id.bytes.size());
  append_le64(out, frame.event_id);
  out.append(frame.bytes);
  const uint32_t checksum = checksum32(std::string_view(out).substr(from + kFrameHeadBytes));
  std::memcpy(out.data() + from + 4, &checksum, sizeof checksum);
}

FrameReader::FrameReader(std::string_view segment, From from) : bytes_(segment) {
  if (from == From::frame) return;
  if (is_whole_head(segment)) {
    at_ = kSegmentHeadBytes;
  } else {
    bytes_ = {};
  }
}

bool FrameReader::next(Frame& frame) noexcept {
  const std::string_view rest = bytes_.substr(at_);
  if (rest.size() < kFrameHeadBytes + kFrameFixedBytes) return false;
  const size_t size = load_le32(rest.data());
  if (size < kFrameFixedBytes || size > kFrameFixedBytes + kFrameTextBytesMax) return false;
  if (rest.size() - kFrameHeadBytes < size) return false;
  const std::string_view payload = rest.substr(kFrameHeadBytes, size);
  if (load_le32(rest.data() + 4) != checksum32(payload) || !is_kind(payload[0])) return false;
  frame.kind = static_cast<RunLogKind>(payload[0]);
  std::memcpy(frame.run_id.bytes.data(), payload.data() + 1, frame.run_id.bytes.size());
  frame.event_id = load_le64(payload.data() + 17);
  frame.bytes = payload.substr(kFrameFixedBytes);
  at_ += kFrameHeadBytes + size;
  return true;
}

}  // namespace bobbin::store
