#include "src/api/authenticate.h"

#include "src/api/services.h"
#include "src/auth/account_gate.h"
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
  if (token.starts_with(auth::kApiKeyPrefix)) co_return co_await services.gate.admit_key(token);
  Result<auth::Identity> identity = services.tokens.verify(token, wall_now_us() / 1'000'000);
  const bool may_have_new_key =
      !identity && identity.error().number == auth::kUnknownKey && services.key_refresh != nullptr;
  if (may_have_new_key && co_await services.key_refresh->wait_for_fetch(services.loop))
    identity = services.tokens.verify(token, wall_now_us() / 1'000'000);
  CO_TRY(identity);
  co_return co_await services.gate.admit(std::move(*identity));
}

}  // namespace

Result<void> check_access(Access access, const auth::Identity& identity) {
  if (access == Access::open) return {};
  // Everybody's text: whoever holds it follows changes, and does nothing in a user's name.
  if (identity.replicate) return fail(Code::forbidden, 0, "this token is for replication alone");
  if (identity.password_reset && access != Access::password)
    return fail(Code::forbidden, 0, "this token is for setting a new password alone");
  const bool is_key = identity.is_api_key;
  switch (access) {
    case Access::open: break;
    case Access::read:
      if ((identity.scopes & store::key_scopes::kRead) == 0)
        return fail(Code::forbidden, 0, "this API key cannot read");
      break;
    case Access::chat:
      if ((identity.scopes & store::key_scopes::kChat) == 0)
        return fail(Code::forbidden, 0, "this API key can only read: it needs the scope \"chat\"");
      break;
    case Access::person:
    case Access::password:
      if (is_key) return fail(Code::forbidden, 0, "an API key cannot do this: sign in");
      break;
    case Access::admin:
      if (is_key || !identity.admin) return fail(Code::forbidden, 0, "only an admin can do this");
      break;
  }
  return {};
}

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
