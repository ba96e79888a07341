#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/upstream/answer.h"
#include "src/upstream/tool_call_gatherer.h"

namespace bobbin::upstream {

// What one JSON document of an answer says: a chunk of a stream, or a whole answer. Views live until the next parse()
// of any parser on this thread.
//
// `content` and `reasoning` may be ill-formed UTF-8 when the server's JSON was: a character that is split between two
// chunks can still be joined.
struct Chunk {
  std::string_view content;
  std::string_view reasoning;
  std::string_view finish_reason;
  std::string_view model;
  std::optional<Usage> usage;
  std::vector<ToolCallDelta> tool_calls;
  // The server reports a failure instead; `error_number` is its numeric code, or 0.
  bool is_error = false;
  int32_t error_number = 0;
};

// Reads such documents. Of several choices only the first counts.
//
// The memory for documents of common size is the thread's, not the parser's: thousands of streams that are open cost it
// once. Only a parser that has met a large document has its own.
//
// JSON is parsed strictly, except that ill-formed UTF-8 and lone surrogate escapes, which simdjson refuses, are let
// through: the former as they are, the latter as U+FFFD. Fields of an unexpected type count as absent.
class ChunkParser {
 public:
  ChunkParser();
  ~ChunkParser();
  ChunkParser(const ChunkParser&) = delete;
  ChunkParser& operator=(const ChunkParser&) = delete;

  // Errors: upstream_rejected when `json` is no JSON object.
  Result<Chunk> parse(std::string_view json);

 private:
  struct Impl;
  Impl& impl_for(size_t bytes);
  std::unique_ptr<Impl> large_;
};

}  // namespace bobbin::upstream
