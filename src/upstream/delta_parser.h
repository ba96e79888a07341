#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/limits.h"
#include "src/base/result.h"
#include "src/upstream/answer.h"

namespace bobbin::upstream {

// One event of a stream may have so many bytes; servers send tokens, or at most a whole answer at once.
inline constexpr size_t kEventBytesMax = 1024 * 1024;
// A stream of so many bytes has gone wrong, however little text is in it: it ends as by length.
inline constexpr uint64_t kStreamBytesMax = 512 * 1024 * 1024;
inline constexpr size_t kToolCallsMax = 128;

// Reads the streamed answer of an OpenAI-compatible server: bytes in, however they are split; deltas out.
//
// Pure: no I/O, no clock. Tolerates the servers' habits that formats.md A.1 lists. Text that reaches the sink is
// well-formed UTF-8, whatever came in. Use: feed() until it fails or is_done(), then finish().
class DeltaParser {
 public:
  // `sink` must outlive the parser. Content, reasoning and tool calls together are cut after `answer_bytes_max` bytes.
  explicit DeltaParser(DeltaSink& sink, size_t answer_bytes_max = limits::kAnswerBytesMax);
  ~DeltaParser();
  DeltaParser(const DeltaParser&) = delete;
  DeltaParser& operator=(const DeltaParser&) = delete;

  // Reads on. Bytes after the end of the answer are ignored. An error is final: every later call gives it again.
  // Errors: upstream_rejected (malformed JSON, an event or tool call out of bounds, an error that the server reports),
  // upstream_unavailable (an error that the server reports with code 429 or 5xx).
  Result<void> feed(std::string_view bytes);

  // Whether the answer has ended: `[DONE]` was seen, or a limit was reached. The connection may be closed then.
  [[nodiscard]] bool is_done() const noexcept;

  // The answer's end, once the bytes have ended. Without `[DONE]`, an answer counts as whole when a finish reason was
  // seen. Errors: those of feed(); upstream_unavailable when the answer was cut.
  Result<Answer> finish();

  // What the server said when it reported an error: one printable line for the log, never for a client. Else empty.
  [[nodiscard]] const std::string& error_excerpt() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads an answer that came as one JSON document, from a server that does not stream. Text goes to `sink` as at most
// two deltas. Errors: as DeltaParser::finish; `excerpt` then gets what the server said.
Result<Answer> read_whole_answer(std::string_view body, DeltaSink& sink, std::string& excerpt,
                                 size_t answer_bytes_max = limits::kAnswerBytesMax);

}  // namespace bobbin::upstream
