// /chat/stream: a message, and its answer as server-sent events; the same events again, and on. /chat/stop.

#include <charconv>
#include <memory>

#include "src/api/chat_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/api/sse_subscriber.h"
#include "src/auth/digest.h"
#include "src/base/json.h"

namespace bobbin::api {
namespace {

// What the client has seen: nullopt where it does not say. Errors: malformed.
Result<std::optional<uint64_t>> last_event_id(const Exchange& exchange) {
  const std::optional<std::string_view> text = exchange.request.head.find_header("Last-Event-ID");
  if (!text || text->empty() || *text == "-1") return std::nullopt;
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (error != std::errc() || end != text->data() + text->size() || id >= chat::kFromNow)
    return fail(Code::malformed, 0, "Last-Event-ID must be the number of an event");
  return id;
}

Result<std::string> idempotency_key(const Exchange& exchange) {
  const size_t count = exchange.request.head.header_count("Idempotency-Key");
  if (count == 0) return std::string();
  const std::string_view key = *exchange.request.head.find_header("Idempotency-Key");
  if (count > 1 || key.empty() || key.size() > limits::kIdempotencyKeyBytesMax)
    return fail(Code::invalid, 0, "Idempotency-Key must be one header of 1 to 128 bytes");
  return std::string(key);
}

std::unique_ptr<SseSubscriber> make_subscriber(Services& services, const Exchange& exchange, std::string thread) {
  return std::make_unique<SseSubscriber>(services.loop, exchange.responder, exchange.common_headers,
                                         exchange.identity.user, std::move(thread));
}

}  // namespace

Task<Result<Answer>> post_chat_stream(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(ChatRequest request, parse_chat_request(exchange.request.body));
  exchange.request.body = {};
  store::RequestKey name;
  CO_TRY_ASSIGN(name.key, idempotency_key(exchange));
  if (!name.key.empty()) name.hash = auth::sha256(normalise(request));
  CO_TRY_ASSIGN(const std::optional<uint64_t> after, last_event_id(exchange));
  std::string thread = std::move(request.thread_id);
  if (thread.empty()) thread = "thread-" + make_uuid_v4().to_string();
  auto subscriber = make_subscriber(services, exchange, thread);
  CO_TRY(co_await services.engine.submit(
      {.user = exchange.identity.user,
       .thread = std::move(thread),
       .content = std::move(request.message),
       .model = std::move(request.model),
       .on_busy = request.on_busy,
       .keep_s = request.expires_in_s,
       .kind = request.continues ? store::SubmitKind::continue_answer : store::SubmitKind::message,
       .request = std::move(name),
       .after = after.value_or(0),
       .stop_when_gone = request.stop_on_disconnect},
      std::move(subscriber)));
  co_return std::nullopt;
}

Task<Result<Answer>> get_chat_stream(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const std::optional<std::string> thread, text_parameter(exchange, "thread_id"));
  if (!thread) co_return fail(Code::invalid, 0, "thread_id is missing");
  CO_TRY(check_thread_id(*thread));
  CO_TRY_ASSIGN(const std::optional<std::string> run, text_parameter(exchange, "run_id"));
  CO_TRY_ASSIGN(const std::optional<uint64_t> after, last_event_id(exchange));
  chat::FollowRequest request{.user = exchange.identity.user, .thread = *thread, .run_id = std::nullopt, .after = 0};
  if (run && !run->empty()) {
    request.run_id = Uuid::parse(*run);
    if (!request.run_id) co_return fail(Code::not_found, 0, "no such run in this thread");
    request.after = after.value_or(0);
  }
  CO_TRY_ASSIGN(const bool found,
                co_await services.engine.follow(std::move(request), make_subscriber(services, exchange, *thread)));
  if (!found) co_return net::Response{.status = 204};
  co_return std::nullopt;
}

Task<Result<Answer>> post_chat_stop(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(StopRequest request, parse_stop_request(exchange.request.body));
  CO_TRY_ASSIGN(const chat::Stopped stopped,
                co_await services.engine.stop(exchange.identity.user, std::move(request.thread_id), request.run_id));
  std::string out;
  json::Object object(out);
  object.boolean("stopped", stopped.stopped).number("last_event_id", static_cast<int64_t>(stopped.last_event_id));
  object.close();
  co_return json_response(std::move(out));
}

}  // namespace bobbin::api
