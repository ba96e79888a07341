#include "src/tools/mcp_exchange.h"

#include <algorithm>

#include "proto_http/headers.h"
#include "proto_http/sse_reader.h"
#include "src/base/text.h"
#include "src/tools/clip.h"
#include "src/tools/fetch.h"
#include "src/tools/mcp_message.h"

namespace bobbin::tools {
namespace {

constexpr size_t kMessageBytesMax = size_t{1024} * 1024;
constexpr size_t kStreamBytesMax = size_t{16} * 1024 * 1024;
constexpr size_t kRefusalBytesMax = 4 * 1024;
// Of what a server says of a refusal: whole, so that no secret in it is cut in two, and bounded.
constexpr size_t kWordsBytesMax = 16 * 1024;
constexpr size_t kIdBytesMax = 1024;
constexpr uint64_t kRetryMsMax = 600'000;

// Sorts the messages of one answer. True once the wanted one has come.
class Messages {
 public:
  Messages(int64_t wanted_id, McpListener& listener) : wanted_id_(wanted_id), listener_(listener) {}

  // One JSON text: a message, or a batch of them.
  bool take(std::string_view json, McpAnswer& answer) {
    Result<JsonDocument> document = JsonDocument::parse(json);
    if (!document) return false;
    std::vector<JsonValue> batch = document->root().items();
    if (document->root().is_object()) batch = {document->root()};
    for (const JsonValue& message : batch) {
      if (take_message(message, answer)) {
        answer.message = message;
        answer.document = std::move(*document);
        return true;
      }
    }
    return false;
  }

 private:
  bool take_message(const JsonValue& message, McpAnswer& answer) {
    switch (mcp_kind(message)) {
      case McpKind::notification: listener_.on_notification(message["method"].text(), message["params"]); return false;
      case McpKind::request: listener_.on_reply_due(mcp_reply(message)); return false;
      case McpKind::result:
        if (wanted_id_ == 0 || message["id"].integer() != wanted_id_) return false;
        answer.kind = McpAnswer::Kind::result;
        return true;
      case McpKind::error:
        if (wanted_id_ == 0 || (message["id"].integer().has_value() && message["id"].integer() != wanted_id_))
          return false;
        answer.kind = McpAnswer::Kind::error;
        answer.sentence = "refused: " + std::string(cut_text(message["error"]["message"].text(), kWordsBytesMax));
        return true;
      case McpKind::invalid: return false;
    }
    return false;
  }

  const int64_t wanted_id_;
  McpListener& listener_;
};

bool is_session_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// What is said with a refusal, in whichever of the usual shapes; may be empty.
std::string refusal_words(std::string_view body) {
  const Result<JsonDocument> document = JsonDocument::parse(body);
  if (!document) return to_utf8_lossy(body);
  const JsonValue error = document->root()["error"];
  for (const JsonValue& value : {error["message"], error, document->root()["message"]}) {
    if (!value.text().empty()) return std::string(value.text());
  }
  return {};
}

Task<void> read_refusal(net::HttpCall& call, bool had_session, McpAnswer& answer) {
  std::string body;
  while (body.size() < kRefusalBytesMax) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece || piece->empty()) break;
    body.append(piece->substr(0, kRefusalBytesMax - body.size()));
  }
  const std::string words = refusal_words(body);
  answer.kind = McpAnswer::Kind::refused;
  answer.sentence = "refused with status " + std::to_string(answer.status) + (words.empty() ? "" : ": " + words);
  // 404 is what the specification says; servers made from its examples say 400 and complain of the session.
  const bool names_session = words.find("session") != std::string::npos || words.find("Session") != std::string::npos;
  if (had_session && (answer.status == 404 || (answer.status == 400 && names_session)))
    answer.kind = McpAnswer::Kind::session_lost;
}

Task<void> read_json(net::HttpCall& call, Messages& messages, McpAnswer& answer) {
  std::string body;
  for (;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece) {
      answer.sentence = explain_network(piece.error());
      co_return;
    }
    if (piece->empty()) break;
    if (body.size() + piece->size() > kMessageBytesMax) {
      answer.sentence = "gave too large an answer";
      co_return;
    }
    body.append(*piece);
  }
  if (!messages.take(body, answer)) answer.sentence = "gave an answer that is not understood";
}

Task<void> read_events(net::HttpCall& call, Messages& messages, McpAnswer& answer) {
  http::SseReader reader(kMessageBytesMax);
  size_t bytes = 0;
  for (;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece || piece->empty()) {
      answer.kind = McpAnswer::Kind::cut;
      answer.sentence = piece ? "ended its answer early" : explain_network(piece.error());
      co_return;
    }
    bytes += piece->size();
    for (std::string_view rest = *piece;;) {
      const http::SseReader::Step step = reader.next(rest);
      if (reader.retry_ms()) answer.retry_ms = std::min(*reader.retry_ms(), kRetryMsMax);
      if (step == http::SseReader::Step::need_more) break;
      if (step == http::SseReader::Step::error || bytes > kStreamBytesMax) {
        answer.sentence = "gave too large an answer";
        co_return;
      }
      const std::string& id = reader.event().id;
      if (!id.empty() && id.size() <= kIdBytesMax && http::is_header_value(id)) answer.last_event_id = id;
      if (messages.take(reader.event().data, answer)) co_return;
    }
  }
}

}  // namespace

Task<McpAnswer> mcp_exchange(net::HttpClient& client, net::HttpCallOptions request, int64_t wanted_id,
                             McpListener& listener, CancelScope& scope) {
  McpAnswer answer;
  const bool had_session = std::any_of(request.headers.begin(), request.headers.end(),
                                       [](const auto& field) { return field.first == "Mcp-Session-Id"; });
  const bool is_get = request.method == "GET";
  if (const auto last = std::find_if(request.headers.begin(), request.headers.end(),
                                     [](const auto& field) { return field.first == "Last-Event-ID"; });
      last != request.headers.end())
    answer.last_event_id = last->second;
  net::HttpCall call(client, std::move(request), scope);
  const Result<http::ResponseHead> head = co_await call.head();
  if (!head) {
    answer.sentence = explain_network(head.error());
    // A stream that broke may be asked for on again.
    if (is_get) answer.kind = McpAnswer::Kind::cut;
    co_return answer;
  }
  answer.status = head->status();
  if (const auto id = head->find_header("Mcp-Session-Id"); id && is_session_id(*id)) answer.session_id = *id;
  if (answer.status < 200 || answer.status >= 300) {
    co_await read_refusal(call, had_session, answer);
    co_return answer;
  }
  Messages messages(wanted_id, listener);
  const std::string_view type = head->find_header("Content-Type").value_or("");
  const std::string_view media_type = http::trim_white_space(type.substr(0, type.find(';')));
  const bool is_events = http::equals_ignoring_case(media_type, "text/event-stream");
  if (is_events && (is_get || wanted_id != 0)) {
    co_await read_events(call, messages, answer);
  } else if (wanted_id == 0) {
    answer.kind = McpAnswer::Kind::accepted;
    // So that the connection can be kept. An open stream is not waited for.
    if (!is_events) static_cast<void>(co_await call.drain(kRefusalBytesMax));
  } else if (http::equals_ignoring_case(media_type, "application/json")) {
    co_await read_json(call, messages, answer);
  } else {
    answer.sentence = "gave an answer that is not understood";
  }
  co_return answer;
}

}  // namespace bobbin::tools
