// GET and DELETE /chat/history: the messages of one thread.

#include "proto_http/url.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/base/limits.h"
#include "src/chat/message_json.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

std::string history_json(const store::HistoryQuery& query, const store::HistoryPage& page) {
  std::string out;
  json::Object object(out);
  object.field("thread_id", query.thread).number("message_count", page.message_count);
  object.key("messages").push_back('[');
  for (auto message = page.messages.rbegin(); message != page.messages.rend(); ++message) {
    if (message != page.messages.rbegin()) out.push_back(',');
    chat::append_message(out, *message);
  }
  out.push_back(']');
  if (page.active_run) object.field("active_run", page.active_run->to_string());
  if (page.next) object.field("next_cursor", store::format_history_cursor(*page.next, query.user, query.thread));
  object.close();
  return out;
}

std::string deleted_json(const store::Deleted& deleted) {
  std::string out;
  json::Object object(out);
  object.number("deleted_sessions", static_cast<int64_t>(deleted.sessions));
  object.number("deleted_messages", static_cast<int64_t>(deleted.messages)).close();
  return out;
}

}  // namespace

Task<Result<Answer>> get_history(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const std::optional<std::string> thread, text_parameter(exchange, "thread_id"));
  if (!thread) co_return fail(Code::invalid, 0, "thread_id is missing");
  CO_TRY(check_thread_id(*thread));
  CO_TRY_ASSIGN(const std::optional<uint32_t> limit, limit_parameter(exchange, limits::kHistoryLimitMax));
  CO_TRY_ASSIGN(const std::optional<std::string> before, text_parameter(exchange, "before"));
  store::HistoryQuery query{.user = exchange.identity.user,
                            .thread = *thread,
                            .limit = limit.value_or(UINT32_MAX),
                            .bytes_max = limits::kPageBytesMax,
                            .cursor = std::nullopt};
  if (before) {
    CO_TRY_ASSIGN(query.cursor, store::parse_history_cursor(*before, exchange.identity.user, *thread));
  }
  // Written out where it is read: a page of many megabytes must not hold the loop.
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) -> Result<std::string> {
    TRY_ASSIGN(const store::HistoryPage page, services.store.read_history(query, tier));
    if (!page.found) return fail(Code::not_found, 0, "no such thread");
    return history_json(query, page);
  });
  CO_TRY_ASSIGN(std::string json, co_await read.run());
  co_return json_response(std::move(json));
}

Task<Result<Answer>> delete_history(Services& services, Exchange& exchange) {
  // A misspelt name must not clear everything.
  CO_TRY_ASSIGN(const std::vector<http::QueryParameter> parameters, http::split_query(exchange.request.head.query()));
  for (const http::QueryParameter& parameter : parameters) {
    if (parameter.name != "thread_id") co_return fail(Code::invalid, 0, "the only parameter here is thread_id");
  }
  CO_TRY_ASSIGN(const std::optional<std::string> thread, text_parameter(exchange, "thread_id"));
  if (!thread) {
    CO_TRY_ASSIGN(const store::Deleted deleted, co_await services.engine.delete_all_threads(exchange.identity.user));
    co_return json_response(deleted_json(deleted));
  }
  // An empty id is refused here: a client's slip must not clear everything.
  CO_TRY(check_thread_id(*thread));
  CO_TRY_ASSIGN(const store::Deleted deleted, co_await services.engine.delete_thread(exchange.identity.user, *thread));
  co_return json_response(deleted_json(deleted));
}

}  // namespace bobbin::api
