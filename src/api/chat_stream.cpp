// POST /chat/stream: a message, and its answer as server-sent events.

#include <memory>

#include "src/api/chat_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/api/sse_subscriber.h"

namespace bobbin::api {

Task<Result<Answer>> post_chat_stream(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(ChatRequest request, parse_chat_request(exchange.request.body));
  exchange.request.body = {};
  std::string thread = std::move(request.thread_id);
  if (thread.empty()) thread = "thread-" + make_uuid_v4().to_string();
  auto subscriber = std::make_unique<SseSubscriber>(services.loop, exchange.responder, exchange.common_headers,
                                                    exchange.user, thread);
  CO_TRY(co_await services.engine.submit({.user = exchange.user,
                                          .thread = std::move(thread),
                                          .content = std::move(request.message),
                                          .model = std::move(request.model),
                                          .on_busy = request.on_busy,
                                          .keep_s = request.expires_in_s},
                                         std::move(subscriber)));
  co_return std::nullopt;
}

}  // namespace bobbin::api
