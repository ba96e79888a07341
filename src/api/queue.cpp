// /chat/sessions/{id}/queue: submits that wait for their turn in a thread.

#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

std::string queue_json(std::string_view thread, const std::vector<store::QueuedSubmit>& queue) {
  std::string out;
  json::Object object(out);
  object.field("thread_id", thread);
  object.key("queue").push_back('[');
  for (const store::QueuedSubmit& submit : queue) {
    if (&submit != queue.data()) out.push_back(',');
    json::Object entry(out);
    entry.field("run_id", submit.run_id.to_string()).number("position", submit.position);
    entry.field("message", submit.content);
    append_rfc3339(entry.key("timestamp").append("\""), submit.created_us);
    out.push_back('"');
    entry.close();
  }
  out.push_back(']');
  object.close();
  return out;
}

}  // namespace

Task<Result<Answer>> get_queue(Services& services, Exchange& exchange) {
  const std::string& thread = exchange.captured[0];
  CO_TRY(check_thread_id(thread));
  store::StoreRead find(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.find_thread(exchange.identity.user, thread, tier);
  });
  CO_TRY_ASSIGN(const std::optional<store::ThreadSummary> summary, co_await find.run());
  if (!summary) co_return fail(Code::not_found, 0, "no such thread");
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.read_queue(exchange.identity.user, thread, tier);
  });
  CO_TRY_ASSIGN(const std::vector<store::QueuedSubmit> queue, co_await read.run());
  co_return json_response(queue_json(thread, queue));
}

Task<Result<Answer>> delete_queued(Services& services, Exchange& exchange) {
  CO_TRY(check_thread_id(exchange.captured[0]));
  const std::optional<Uuid> run_id = Uuid::parse(exchange.captured[1]);
  if (!run_id) co_return fail(Code::not_found, 0, "nothing of that id waits");
  CO_TRY_ASSIGN(const bool found,
                co_await services.engine.cancel_queued(exchange.identity.user, exchange.captured[0], *run_id));
  if (!found) co_return fail(Code::not_found, 0, "nothing of that id waits");
  co_return json_response(R"({"cancelled":true})");
}

}  // namespace bobbin::api
