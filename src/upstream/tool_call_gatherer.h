#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/upstream/answer.h"

namespace bobbin::upstream {

inline constexpr size_t kToolCallsMax = 128;
inline constexpr size_t kToolNameBytesMax = 256;  // also of an id

// One piece of a tool call; fields that were not sent are empty, a missing index is negative.
struct ToolCallDelta {
  int64_t index = -1;
  std::string_view id;
  std::string_view name;
  std::string_view arguments;
};

// Puts tool calls together from the pieces of a stream.
//
// Pieces belong to a call by their index. Where a server sends none, or the same one for all, a new id begins a new
// call and anything else continues the last one. All text that comes out is UTF-8, whatever came in.
class ToolCallGatherer {
 public:
  // Errors: upstream_rejected past kToolCallsMax calls or kToolNameBytesMax bytes of a name.
  Result<void> add(const ToolCallDelta& piece);

  // All calls in the order in which they began; nothing is left.
  std::vector<ToolCall> take();

 private:
  struct Entry {
    int64_t index;
    ToolCall call;
  };
  Entry* find(const ToolCallDelta& piece) noexcept;

  std::vector<Entry> entries_;
};

}  // namespace bobbin::upstream
