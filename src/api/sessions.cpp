// GET /chat/sessions: a user's threads, newest activity first.

#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/base/limits.h"
#include "src/chat/session_json.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

std::string sessions_json(const store::SessionsQuery& query, const store::SessionsPage& page, uint32_t keep_s) {
  std::string out;
  json::Object object(out);
  object.key("sessions").push_back('[');
  for (const store::ThreadSummary& thread : page.sessions) {
    if (&thread != page.sessions.data()) out.push_back(',');
    chat::append_session(out, thread, keep_s);
  }
  out.push_back(']');
  if (page.next) object.field("next_cursor", store::format_sessions_cursor(*page.next, query.user));
  object.close();
  return out;
}

}  // namespace

Task<Result<Answer>> get_sessions(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const std::optional<uint32_t> limit, limit_parameter(exchange, limits::kSessionsLimitMax));
  CO_TRY_ASSIGN(const std::optional<std::string> cursor, text_parameter(exchange, "cursor"));
  store::SessionsQuery query{.user = exchange.identity.user,
                             .limit = limit.value_or(limits::kSessionsLimitMax),
                             .bytes_max = limits::kPageBytesMax,
                             .cursor = std::nullopt};
  if (cursor) {
    CO_TRY_ASSIGN(query.cursor, store::parse_sessions_cursor(*cursor, exchange.identity.user));
  }
  // Written out where it is read, so that a long list does not hold the loop.
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) -> Result<std::string> {
    TRY_ASSIGN(const store::SessionsPage page, services.store.list_sessions(query, tier));
    TRY_ASSIGN(const uint32_t keep_s, services.store.read_keep_s(exchange.identity.user, tier));
    return sessions_json(query, page, keep_s);
  });
  CO_TRY_ASSIGN(std::string json, co_await read.run());
  co_return json_response(std::move(json));
}

}  // namespace bobbin::api
