#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What goes over the wires of a measurement. An answer's tokens are numbers of twelve digits, each larger than the one
// before by the same step: where tokens are paced, the microsecond at which each was due (now_ns() / 1000), else how
// many came before it. So whoever reads a token knows how long it was under way, and whether one is missing.
namespace bobbin::bench {

// Who a client talks to, and in which words.
enum class Dialect : uint8_t {
  bobbin,  // POST /chat/stream
  model,   // POST /v1/chat/completions, as the upstream itself speaks it: for the relay
};

// --- as the client

// What one stream asks.
struct StreamRequest {
  Dialect dialect = Dialect::bobbin;
  uint64_t stream = 0;        // its number
  std::string_view thread{};  // with Dialect::bobbin
  std::string_view bearer{};  // the user's token
  size_t question_bytes = 0;  // that the question has beside the stream's number
};
void append_stream_request(std::string& out, const StreamRequest& request);
// POST /chat/stop for `thread`.
void append_stop_request(std::string& out, std::string_view thread, std::string_view bearer);

// The number in a token event's or a delta's JSON; nullopt: it is something else.
std::optional<int64_t> token_in(std::string_view json);
// The number of tokens that the answer's end claims, `"completion_tokens":N`; nullopt: it does not.
std::optional<uint64_t> claimed_tokens_in(std::string_view json);

// --- as the upstream

// The `stream` of the last message in a request's body; nullopt: it is not one of append_stream_request().
std::optional<uint64_t> stream_in(std::string_view body);

// Head of an answer, chunked.
void append_answer_head(std::string& out);
// One delta of about 200 bytes, as a chunk of its own, which is how model servers send them. 0 <= `value` < 10^12.
void append_token(std::string& out, int64_t value);
// Finish reason, usage of `tokens`, `[DONE]` and the last chunk.
void append_answer_end(std::string& out, uint64_t tokens);
void append_not_found(std::string& out);

}  // namespace bobbin::bench
