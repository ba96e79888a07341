#include "src/api/authenticate.h"

#include "src/api/services.h"
#include "src/auth/bearer.h"
#include "src/base/log.h"
#include "src/base/metrics.h"

namespace bobbin::api {
namespace {

Result<std::string_view> read_token(const http::RequestHead& request) {
  std::vector<std::string_view> values;
  for (size_t i = 0; i < request.headers().size(); ++i) {
    const http::HeaderField field = request.headers()[i];
    if (http::equals_ignoring_case(field.name, "Authorization")) values.push_back(field.value);
  }
  return auth::bearer_token(values);
}

Task<Result<auth::Identity>> verify(Services& services, const Exchange& exchange) {
  CO_TRY_ASSIGN(const std::string_view token, read_token(exchange.request.head));
  co_return services.tokens.verify(token, wall_now_us() / 1'000'000);
}

}  // namespace

Task<Result<auth::Identity>> authenticate(Services& services, const Exchange& exchange, std::string_view pattern) {
  Result<auth::Identity> identity = co_await verify(services, exchange);
  if (!identity) {
    metrics::add(metrics::Counter::auth_failures);
    log::warn("authentication failed",
              {{"path", pattern}, {"reason", identity.error().detail}, {"client", exchange.client}});
  }
  co_return identity;
}

}  // namespace bobbin::api
