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
// An answer in one document may have so many bytes: kAnswerBytesMax of text, most of it escaped.
inline constexpr size_t kWholeAnswerBytesMax = 16 * 1024 * 1024;

// Reads the body of an OpenAI-compatible server's answer: bytes in, however they are split; deltas out. A body that
// begins with `{` is not a stream but one JSON document, from a server that does not stream; its text comes out at the
// end.
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

  // Whether the model has said why it ended: only usage and `[DONE]` may follow, and some servers forget those.
  [[nodiscard]] bool has_finish_reason() const noexcept;

  // Grows with every event that says something, and with nothing else: comments and white space keep no answer alive.
  [[nodiscard]] uint64_t progress() const noexcept;

  // The answer's end, once the bytes have ended. Without `[DONE]`, an answer counts as whole when a finish reason was
  // seen. Errors: those of feed(); upstream_unavailable when the answer was cut.
  Result<Answer> finish();

  // What the server said when it reported an error: one printable line for the log, never for a client. Else empty.
  [[nodiscard]] const std::string& error_excerpt() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bobbin::upstream
