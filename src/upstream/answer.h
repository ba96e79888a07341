#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bobbin::upstream {

// Tokens as the model's server counted them; a number that it did not give is 0.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t total_tokens = 0;

  friend bool operator==(const Usage&, const Usage&) = default;
};

enum class DeltaKind : uint8_t { content, reasoning };

// The next piece of an answer.
struct Delta {
  DeltaKind kind;
  std::string_view text;  // well-formed UTF-8, never empty; the bytes live until on_delta() returns
};

// Where an answer goes, piece by piece. Called on the loop of the model.
class DeltaSink {
 public:
  virtual void on_delta(const Delta& delta) noexcept = 0;
  // What the server has counted so far; the last one is also the answer's. Some say it once, at the end, others on the
  // way: what is known when an answer is cut.
  virtual void on_usage(const Usage& usage) noexcept { static_cast<void>(usage); }

 protected:
  ~DeltaSink() = default;
};

// A function that the model wants called.
struct ToolCall {
  std::string id;  // as the model's server made it; may be empty
  std::string name;
  std::string arguments;  // JSON by intent; a model may write anything

  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

// How an answer ended that was given whole (or up to our own limit).
struct Answer {
  std::string finish_reason;  // 1..32 of a-z and `_`: `stop`, `length`, `tool_calls`, `content_filter`, …
  std::string model;          // as the server calls it, 128 bytes of UTF-8 without controls at most; may be empty
  std::optional<Usage> usage;
  std::vector<ToolCall> tool_calls;

  friend bool operator==(const Answer&, const Answer&) = default;
};

}  // namespace bobbin::upstream
