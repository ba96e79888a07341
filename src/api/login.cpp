// POST /auth/link: a one-time link's secret for an access token.

#include "src/api/chat_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/auth/token_mint.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/base/metrics.h"

namespace bobbin::api {

Task<Result<Answer>> post_login_link(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const std::string secret, parse_login_request(exchange.request.body));
  const int64_t now_s = wall_now_us() / 1'000'000;
  const std::optional<std::string> user = services.login_links.redeem(secret, now_s);
  if (!user) {
    metrics::add(metrics::Counter::auth_failures);
    co_return fail(Code::unauthorized, 0,
                   "this sign-in link is unknown, used up or too old; restart the server for a new one");
  }
  const int64_t ttl_s = services.options.login_token_ttl_s;
  CO_TRY_ASSIGN(const std::string token,
                auth::mint_token(services.options.secret, {.user = *user, .ttl_s = ttl_s}, now_s));
  log::info("signed in by link", {{"user_id", *user}});
  std::string out;
  json::Object object(out);
  object.field("access_token", token).field("token_type", "Bearer").number("expires_in", ttl_s).close();
  co_return json_response(std::move(out));
}

}  // namespace bobbin::api
