#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/run_log.h"

// The bytes of a segment (storage/FORMAT.md, "Run log"). Pure. Internal to storage.
namespace bobbin::store {

inline constexpr size_t kSegmentHeadBytes = 28;
inline constexpr size_t kFrameHeadBytes = 8;
inline constexpr size_t kFrameFixedBytes = 25;  // kind, run and event id, in the payload
inline constexpr size_t kFrameTextBytesMax = 16 * 1024 * 1024;

struct Frame {
  RunLogKind kind = RunLogKind::event;
  Uuid run_id;
  uint64_t event_id = 0;
  std::string_view bytes;  // at most kFrameTextBytesMax
};

void append_segment_head(std::string& out, uint64_t number, int64_t created_us);
void append_frame(std::string& out, const Frame& frame);

// Walks over the frames of one segment, up to the first that cannot be believed.
class FrameReader {
 public:
  // `segment` is a segment from its first byte, or a part of one that begins with a frame; the frames' views point into
  // it. Without a whole head there are no frames.
  enum class From : uint8_t { head, frame };
  FrameReader(std::string_view segment, From from);

  // False: there is no further frame. `frame` is unchanged then.
  bool next(Frame& frame) noexcept;

  // Bytes up to the end of the last frame that was read.
  [[nodiscard]] size_t believed_bytes() const noexcept { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace bobbin::store
