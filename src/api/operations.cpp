// /health, /ready and /metrics: for the operator and the load balancer.

#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/base/metrics.h"

namespace bobbin::api {

Task<Result<Answer>> get_health(Services& services, Exchange&) {
  const store::StoreState store = services.store.state();
  const upstream::ModelState model = services.model.state();
  std::string out;
  json::Object object(out);
  object.field("status", store.serving ? "ok" : "unavailable");
  {
    json::Object part(object.key("store"));
    part.field("status", !store.serving ? "unavailable" : store.read_only ? "read_only" : "ok");
    if (store.read_only) part.field("reason", store.read_only_reason);
    part.number("queue_depth", static_cast<int64_t>(store.queue_depth));
    part.number("sequence", static_cast<int64_t>(store.last_sequence)).close();
  }
  {
    json::Object part(object.key("upstream"));
    const char* status = !model.language_model ? "offline" : model.failing ? "failing" : "ok";
    part.field("status", status).field("name", model.name).field("model", model.model);
    part.field("detail", model.detail).close();
  }
  object.number("uptime_s", (wall_now_us() - services.started_us) / 1'000'000).close();
  co_return json_response(std::move(out), store.serving ? 200 : 503);
}

// Also while the store is read-only: histories, deletes and answers that run are served, and no other server has them.
Task<Result<Answer>> get_ready(Services& services, Exchange&) {
  if (!services.store.state().serving) co_return fail(Code::overloaded, 0, "the store is not serving");
  co_return json_response(R"({"status":"ready"})");
}

Task<Result<Answer>> get_metrics(Services&, Exchange&) {
  net::Response response{.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  metrics::append_prometheus(response.body);
  co_return response;
}

}  // namespace bobbin::api
