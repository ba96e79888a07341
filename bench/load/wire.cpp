#include "bench/load/wire.h"

#include <charconv>

#include "proto_http/response_writer.h"
#include "proto_http/sse_writer.h"
#include "src/base/assert.h"
#include "src/base/json.h"

namespace bobbin::bench {
namespace {

constexpr std::string_view kStreamMark = "bench stream ";
constexpr size_t kDigits = 12;
constexpr std::string_view kDeltaBegin =
    R"({"id":"chatcmpl-7f3a9c51e2d84b06","object":"chat.completion.chunk","created":1764000000,"model":"bench",)"
    R"("choices":[{"index":0,"delta":{"content":")";
constexpr std::string_view kDeltaEnd = R"("},"finish_reason":null}]})";

// The number that follows `mark`, which may stand anywhere in `text`.
template <class Number>
std::optional<Number> number_after(std::string_view text, size_t at, std::string_view mark) {
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

void append_post(std::string& out, std::string_view path, std::string_view bearer, std::string_view body) {
  out.append("POST ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n");
  if (!bearer.empty()) out.append("Authorization: Bearer ").append(bearer).append("\r\n");
  out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

void append_event_chunk(std::string& out, std::string_view data) {
  std::string event;
  http::append_sse_data(event, "", data);
  http::append_chunk(out, event);
}

// A delta's chunk, made once: only its digits change.
struct TokenChunk {
  std::string bytes;
  size_t digits_at = 0;
  TokenChunk() {
    append_event_chunk(bytes, std::string(kDeltaBegin) + std::string(kDigits, '0') + std::string(kDeltaEnd));
    digits_at = bytes.find(kDeltaBegin) + kDeltaBegin.size();
  }
};

}  // namespace

void append_stream_request(std::string& out, const StreamRequest& request) {
  std::string message = std::string(kStreamMark) + std::to_string(request.stream) + '.';
  message.append(request.question_bytes, 'q');
  std::string body;
  json::Object object(body);
  if (request.dialect == Dialect::bobbin) {
    object.field("message", message).field("thread_id", request.thread).close();
    return append_post(out, "/chat/stream", request.bearer, body);
  }
  object.field("model", "bench");
  std::string& messages = object.key("messages");
  messages.push_back('[');
  json::Object entry(messages);
  entry.field("role", "user").field("content", message).close();
  messages.push_back(']');
  object.boolean("stream", true).close();
  append_post(out, "/v1/chat/completions", request.bearer, body);
}

void append_stop_request(std::string& out, std::string_view thread, std::string_view bearer) {
  std::string body;
  json::Object object(body);
  object.field("thread_id", thread).close();
  append_post(out, "/chat/stop", bearer, body);
}

std::optional<int64_t> token_in(std::string_view json) {
  constexpr std::string_view kMark = R"("content":")";
  return number_after<int64_t>(json, json.find(kMark), kMark);
}

std::optional<uint64_t> claimed_tokens_in(std::string_view json) {
  constexpr std::string_view kMark = R"("completion_tokens":)";
  return number_after<uint64_t>(json, json.find(kMark), kMark);
}

std::optional<uint64_t> stream_in(std::string_view body) {
  return number_after<uint64_t>(body, body.rfind(kStreamMark), kStreamMark);
}

void append_answer_head(std::string& out) {
  out.append(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
}

void append_token(std::string& out, int64_t value) {
  static const TokenChunk chunk;
  BOBBIN_ASSERT(value >= 0);
  out.append(chunk.bytes);
  char* const digits = out.data() + out.size() - chunk.bytes.size() + chunk.digits_at;
  for (size_t i = kDigits; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  BOBBIN_ASSERT(value == 0);
}

void append_answer_end(std::string& out, uint64_t tokens) {
  append_event_chunk(out, R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
  std::string usage;
  json::Object document(usage);
  document.key("choices").append("[]");
  json::Object counts(document.key("usage"));
  counts.number("prompt_tokens", 1).number("completion_tokens", static_cast<int64_t>(tokens));
  counts.number("total_tokens", static_cast<int64_t>(tokens) + 1).close();
  document.close();
  append_event_chunk(out, usage);
  append_event_chunk(out, "[DONE]");
  http::append_last_chunk(out);
}

void append_not_found(std::string& out) { out.append("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"); }

}  // namespace bobbin::bench
