#pragma once

#include <cstdint>
#include <optional>

namespace bobbin::bench {

// What can be wrong with a stream, the first thing that was.
enum class Fault : uint8_t {
  none,
  lost,        // tokens are missing between two that came
  disordered,  // a token came twice or too late
  bad_id,      // an event's id is not the one before it, plus one
  cut,         // it ended without its end, or with fewer tokens than its end says
  stopped,     // it ended with `stopped`: right where a stop was asked for
  failed,      // refused, or ended with another event than `done`
};

// For people.
[[nodiscard]] const char* fault_name(Fault fault) noexcept;

// Judges one stream from its parts, in the order in which they came.
class StreamCheck {
 public:
  // `step`: from one token's number to the next one's.
  explicit StreamCheck(int64_t step) noexcept : step_(step) {}

  void on_id(uint64_t id) noexcept;
  void on_token(int64_t number) noexcept;
  // The event that ends the answer, which claims so many tokens.
  void on_end(std::optional<uint64_t> claimed_tokens) noexcept;
  void on_fault(Fault fault) noexcept;
  // The bytes are over, by the rules of their framing or not.
  void on_closed() noexcept;

  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  [[nodiscard]] uint64_t tokens() const noexcept { return tokens_; }
  // It has come to its end, good or bad.
  [[nodiscard]] bool is_over() const noexcept { return has_ended_ || fault_ != Fault::none; }

 private:
  const int64_t step_;
  uint64_t last_id_ = 0;
  uint64_t tokens_ = 0;
  int64_t last_number_ = 0;
  bool has_ended_ = false;
  Fault fault_ = Fault::none;
};

}  // namespace bobbin::bench
