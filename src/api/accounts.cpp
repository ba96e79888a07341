// /auth: accounts of this server; signing devices in and out (docs/accounts.md).

#include "src/api/account_request.h"
#include "src/api/authenticate.h"
#include "src/api/handlers.h"
#include "src/api/refresh_cookie.h"
#include "src/api/services.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/chat/engine.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

net::Response signed_in(const Exchange& exchange, const auth::SignedIn& tokens, RefreshBy by, uint16_t status) {
  std::string out;
  json::Object object(out);
  object.field("access_token", tokens.access_token).field("token_type", "Bearer");
  object.number("expires_in", auth::kAccessTokenTtlS).field("user_id", tokens.account.id);
  if (by == RefreshBy::body) object.field("refresh_token", tokens.refresh_token);
  object.close();
  net::Response response = json_response(std::move(out), status);
  if (by == RefreshBy::cookie)
    response.headers.emplace_back("Set-Cookie", make_refresh_cookie(tokens.refresh_token, exchange.is_https));
  return response;
}

// The login that the refresh token of a request names, wherever it is.
Result<auth::RefreshToken> shown_login(Services& services, const Exchange& exchange, std::string token) {
  if (token.empty()) {
    TRY_ASSIGN(token, read_refresh_cookie(exchange));
  }
  const std::optional<auth::RefreshToken> parsed = services.accounts.parse(token);
  if (!parsed) return fail(Code::unauthorized, 0, "the refresh token is not one of this server");
  return *parsed;
}

Result<void> check_has_account(const auth::Identity& identity) {
  if (auth::is_account_id(identity.user)) return {};
  return fail(Code::forbidden, 0, "this user has no account here: the token is of another issuer");
}

}  // namespace

Task<Result<Answer>> post_register(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(RegisterRequest request, parse_register_request(exchange.request.body));
  const RefreshBy by = request.refresh;
  if (by == RefreshBy::cookie) CO_TRY(check_own_page(exchange));
  CO_TRY_ASSIGN(const auth::SignedIn tokens,
                co_await services.accounts.sign_up(std::move(request.account), exchange.client));
  co_return signed_in(exchange, tokens, by, 201);
}

Task<Result<Answer>> post_login(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(SignInRequest request, parse_sign_in_request(exchange.request.body));
  if (request.refresh == RefreshBy::cookie) CO_TRY(check_own_page(exchange));
  CO_TRY_ASSIGN(
      const auth::SignedIn tokens,
      co_await services.accounts.sign_in(std::move(request.email), std::move(request.password), exchange.client));
  co_return signed_in(exchange, tokens, request.refresh, 200);
}

Task<Result<Answer>> post_refresh(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(RefreshRequest request, parse_refresh_request(exchange.request.body));
  const RefreshBy by = request.refresh_token.empty() ? RefreshBy::cookie : RefreshBy::body;
  if (by == RefreshBy::cookie) {
    CO_TRY_ASSIGN(request.refresh_token, read_refresh_cookie(exchange));
  }
  CO_TRY_ASSIGN(const auth::SignedIn tokens, co_await services.accounts.refresh(std::move(request.refresh_token)));
  co_return signed_in(exchange, tokens, by, 200);
}

Task<Result<Answer>> post_logout(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(LogoutRequest request, parse_logout_request(exchange.request.body));
  if (exchange.request.head.find_header("Authorization")) {
    CO_TRY_ASSIGN(exchange.identity, co_await authenticate(services, exchange, "/auth/logout"));
    CO_TRY(check_access(Access::person, exchange.identity));
    CO_TRY(check_has_account(exchange.identity));
    const auth::Identity& identity = exchange.identity;
    if (request.everywhere) {
      CO_TRY(co_await services.accounts.sign_out_everywhere(identity.user));
    } else if (identity.credential.is_zero()) {
      co_return fail(Code::invalid, 0, "this token stands on no login: ask for \"everywhere\"");
    } else {
      CO_TRY(co_await services.accounts.sign_out(identity.user, identity.credential));
    }
  } else {
    // A refresh token that was used before is still good for ending its login, and for that alone.
    CO_TRY_ASSIGN(auth::RefreshToken token, shown_login(services, exchange, std::move(request.refresh_token)));
    if (request.everywhere) co_return fail(Code::unauthorized, 0, "\"everywhere\" needs an access token");
    CO_TRY(co_await services.accounts.sign_out(std::move(token.account), token.login));
  }
  net::Response response{.status = 204};
  // A page of elsewhere that signs a login of its own out does not touch the cookie.
  if (check_own_page(exchange)) response.headers.emplace_back("Set-Cookie", forget_refresh_cookie(exchange.is_https));
  co_return response;
}

Task<Result<Answer>> get_me(Services& services, Exchange& exchange) {
  const auth::Identity& identity = exchange.identity;
  std::optional<store::Account> account;
  if (auth::is_account_id(identity.user)) {
    store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
      return services.store.accounts().find_account(identity.user, tier);
    });
    CO_TRY_ASSIGN(account, co_await read.run());
  }
  std::string out;
  json::Object object(out);
  object.field("id", identity.user).field("role", identity.admin ? "admin" : "user");
  if (account) {
    object.field("email", account->email);
    object.time("created_at", account->created_us);
  } else {
    object.null("email").null("created_at");
  }
  object.close();
  co_return json_response(std::move(out));
}

Task<Result<Answer>> post_password(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(PasswordRequest request, parse_password_request(exchange.request.body));
  if (request.refresh == RefreshBy::cookie) CO_TRY(check_own_page(exchange));
  CO_TRY(check_has_account(exchange.identity));
  const std::string& account = exchange.identity.user;
  Result<auth::SignedIn> tokens =
      exchange.identity.password_reset
          ? co_await services.accounts.reset_password(account, std::move(request.new_password),
                                                      exchange.identity.issued_us, exchange.client)
          : co_await services.accounts.change_password(account, std::move(request.password),
                                                       std::move(request.new_password), exchange.client);
  CO_TRY(tokens);
  co_return signed_in(exchange, *tokens, request.refresh, 200);
}

Task<Result<Answer>> delete_me(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(std::string password, parse_password(exchange.request.body));
  CO_TRY(check_has_account(exchange.identity));
  CO_TRY_ASSIGN(const store::Account judged, co_await services.accounts.check_account_password(
                                                 exchange.identity.user, std::move(password), exchange.client));
  CO_TRY(co_await delete_account(services, judged.id, judged.tokens_valid_from_us));
  net::Response response{.status = 204};
  response.headers.emplace_back("Set-Cookie", forget_refresh_cookie(exchange.is_https));
  co_return response;
}

// Blocked first: that says whether it is the last admin, and ends all that could still write for it. Then the chats:
// when this is cut short, the account is there for an admin to try again. And last what was on its way meanwhile.
Task<Result<void>> delete_account(Services& services, std::string account, std::optional<int64_t> epoch) {
  CO_TRY(co_await services.accounts.change(
      {.account = account, .epoch = epoch, .state = store::AccountState::blocked, .end_logins = true}));
  CO_TRY(co_await services.engine.delete_all_threads(account));
  CO_TRY(co_await services.accounts.remove(account));
  CO_TRY(co_await services.engine.delete_all_threads(account));
  co_return Result<void>{};
}

}  // namespace bobbin::api
