// /admin: accounts and invitations. Nothing here reads a chat, and no admin can become somebody else.

#include "src/api/account_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/auth/base64url.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

constexpr uint32_t kAccountsPage = 100;
constexpr size_t kInvitationBytes = 32;

const char* role_word(store::AccountRole role) noexcept { return role == store::AccountRole::admin ? "admin" : "user"; }

bool could_be_account(std::string_view id) noexcept { return auth::is_account_id(id) && auth::is_user_id(id); }

void append_account(std::string& out, const store::Account& account) {
  json::Object object(out);
  object.field("id", account.id).field("email", account.email).field("role", role_word(account.role));
  object.field("state", account.state == store::AccountState::blocked ? "blocked" : "active");
  object.time("created_at", account.created_us);
  object.close();
}

void append_invitation(std::string& out, const store::Invitation& invitation, std::string_view secret) {
  json::Object object(out);
  object.field("id", invitation.id.to_string()).field("role", role_word(invitation.role));
  if (!secret.empty()) object.field("invitation", secret).field("path", std::string("/#invite=").append(secret));
  object.field("created_by", invitation.created_by);
  object.time("created_at", invitation.created_us);
  object.time("expires_at", invitation.expires_us);
  object.close();
}

}  // namespace

Task<Result<Answer>> get_admin_accounts(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const auto limit, limit_parameter(exchange, limits::kSessionsLimitMax));
  CO_TRY_ASSIGN(const auto cursor, text_parameter(exchange, "cursor"));
  if (cursor && !could_be_account(*cursor)) co_return fail(Code::malformed, 0, "cursor is not one of this list");
  const uint32_t wanted = limit.value_or(kAccountsPage);
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.accounts().list_accounts(cursor.value_or(""), wanted + 1, tier);
  });
  CO_TRY_ASSIGN(const std::vector<store::Account> accounts, co_await read.run());
  std::string out = R"({"accounts":[)";
  for (size_t i = 0; i < accounts.size() && i < wanted; ++i) {
    if (i > 0) out.push_back(',');
    append_account(out, accounts[i]);
  }
  out.push_back(']');
  if (accounts.size() > wanted) {
    out.append(R"(,"next_cursor":)");
    json::append_string(out, accounts[wanted - 1].id);
  }
  out.push_back('}');
  co_return json_response(std::move(out));
}

Task<Result<Answer>> patch_admin_account(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const AccountChange change, parse_account_change(exchange.request.body));
  if (!could_be_account(exchange.captured[0])) co_return fail(Code::not_found, 0, "no such account");
  CO_TRY_ASSIGN(
      const store::Account account,
      co_await services.accounts.change({.account = exchange.captured[0],
                                         .role = change.role,
                                         .state = change.state,
                                         .end_logins = change.logout || change.state == store::AccountState::blocked}));
  log::info("account changed", {{"user_id", account.id}, {"by", exchange.identity.user}});
  std::string out;
  append_account(out, account);
  co_return json_response(std::move(out));
}

Task<Result<Answer>> delete_admin_account(Services& services, Exchange& exchange) {
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.accounts().find_account(exchange.captured[0], tier);
  });
  CO_TRY_ASSIGN(const auto account, co_await read.run());
  // Not anybody's threads: only those of an account are an admin's to delete.
  if (!account) co_return fail(Code::not_found, 0, "no such account");
  log::info("an admin deletes an account", {{"user_id", account->id}, {"by", exchange.identity.user}});
  CO_TRY(co_await delete_account(services, account->id, std::nullopt));
  co_return net::Response{.status = 204};
}

Task<Result<Answer>> post_invitation(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const InvitationRequest request, parse_invitation_request(exchange.request.body));
  if (services.accounts.options().registration == auth::Registration::closed)
    co_return fail(Code::forbidden, 0, "this server makes no new accounts");
  const std::string secret = auth::random_secret(kInvitationBytes);
  const int64_t now_us = wall_now_us();
  const store::Invitation invitation{.id = make_uuid_v4(),
                                     .role = request.role,
                                     .created_by = exchange.identity.user,
                                     .created_us = now_us,
                                     .expires_us = now_us + static_cast<int64_t>(request.expires_in_s) * 1'000'000};
  store::StoreOp op(services.store, services.loop, store::PutInvitation{auth::sha256(secret), invitation});
  CO_TRY(co_await op.run());
  log::info("invitation made", {{"by", exchange.identity.user}, {"role", role_word(invitation.role)}});
  std::string out;
  append_invitation(out, invitation, secret);
  co_return json_response(std::move(out), 201);
}

Task<Result<Answer>> get_invitations(Services& services, Exchange&) {
  store::StoreRead read(services.pool, services.loop,
                        [&](store::Tier tier) { return services.store.accounts().list_invitations(tier); });
  CO_TRY_ASSIGN(const std::vector<store::Invitation> invitations, co_await read.run());
  const int64_t now_us = wall_now_us();
  std::string out = R"({"invitations":[)";
  bool is_first = true;
  for (const store::Invitation& invitation : invitations) {
    if (invitation.expires_us <= now_us) continue;
    if (!std::exchange(is_first, false)) out.push_back(',');
    append_invitation(out, invitation, {});
  }
  out.append("]}");
  co_return json_response(std::move(out));
}

Task<Result<Answer>> delete_invitation(Services& services, Exchange& exchange) {
  const std::optional<Uuid> id = Uuid::parse(exchange.captured[0]);
  if (!id) co_return fail(Code::not_found, 0, "no such invitation");
  store::StoreOp op(services.store, services.loop, store::DeleteInvitation{*id});
  CO_TRY(co_await op.run());
  co_return net::Response{.status = 204};
}

}  // namespace bobbin::api
