#include "src/api/account_request.h"

#include "src/api/json_body.h"
#include "src/base/text.h"
#include "storage/account_commands.h"

namespace bobbin::api {
namespace {

// A hundred years: later than anything of today.
constexpr uint64_t kExpiresInMax = uint64_t{100} * 366 * 24 * 3600;

Result<RefreshBy> refresh_by(const BodyField& field) {
  TRY_ASSIGN(const std::string word, text_or_empty(field, "refresh must be \"cookie\" or \"body\""));
  if (word.empty() || word == "body") return RefreshBy::body;
  if (word == "cookie") return RefreshBy::cookie;
  return fail(Code::invalid, 0, "refresh must be \"cookie\" or \"body\"");
}

Result<uint64_t> seconds(const BodyField& field, uint64_t fallback) {
  if (field.is_empty()) return fallback;
  const auto value = field.count();
  if (!value || *value == 0 || *value > kExpiresInMax)
    return fail(Code::invalid, 0, "expires_in must be a whole number of seconds, 1 or more");
  return *value;
}

Result<std::optional<store::AccountRole>> role(const BodyField& field) {
  TRY_ASSIGN(const std::string word, text_or_empty(field, "role must be \"user\" or \"admin\""));
  if (word.empty()) return std::nullopt;
  if (word == "user") return store::AccountRole::user;
  if (word == "admin") return store::AccountRole::admin;
  return fail(Code::invalid, 0, "role must be \"user\" or \"admin\"");
}

std::string_view or_empty_object(std::string_view body) { return body.empty() ? "{}" : body; }

constexpr char kEmailComplaint[] = "email must be a string";
constexpr char kPasswordComplaint[] = "password must be a string";

}  // namespace

Result<RegisterRequest> parse_register_request(std::string_view body) {
  TRY_ASSIGN(
      const auto fields,
      parse_object(body, std::to_array<std::string_view>({"email", "password", "invitation", "setup", "refresh"})));
  RegisterRequest request;
  TRY_ASSIGN(request.account.email, text(fields[0], kEmailComplaint));
  TRY_ASSIGN(request.account.password, text(fields[1], kPasswordComplaint));
  TRY_ASSIGN(request.account.invitation, text_or_empty(fields[2], "invitation must be a string"));
  TRY_ASSIGN(request.account.set_up, text_or_empty(fields[3], "setup must be a string"));
  TRY_ASSIGN(request.refresh, refresh_by(fields[4]));
  return request;
}

Result<SignInRequest> parse_sign_in_request(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"email", "password", "refresh"})));
  SignInRequest request;
  TRY_ASSIGN(request.email, text(fields[0], kEmailComplaint));
  TRY_ASSIGN(request.password, text(fields[1], kPasswordComplaint));
  TRY_ASSIGN(request.refresh, refresh_by(fields[2]));
  return request;
}

Result<RefreshRequest> parse_refresh_request(std::string_view body) {
  TRY_ASSIGN(const auto fields,
             parse_object(or_empty_object(body), std::to_array<std::string_view>({"refresh_token"})));
  TRY_ASSIGN(std::string token, text_or_empty(fields[0], "refresh_token must be a string"));
  return RefreshRequest{std::move(token)};
}

Result<LogoutRequest> parse_logout_request(std::string_view body) {
  TRY_ASSIGN(const auto fields,
             parse_object(or_empty_object(body), std::to_array<std::string_view>({"refresh_token", "everywhere"})));
  LogoutRequest request;
  TRY_ASSIGN(request.refresh_token, text_or_empty(fields[0], "refresh_token must be a string"));
  TRY_ASSIGN(request.everywhere, truth(fields[1], "everywhere must be true or false"));
  return request;
}

Result<PasswordRequest> parse_password_request(std::string_view body) {
  TRY_ASSIGN(const auto fields,
             parse_object(body, std::to_array<std::string_view>({"password", "new_password", "refresh"})));
  PasswordRequest request;
  TRY_ASSIGN(request.password, text_or_empty(fields[0], kPasswordComplaint));
  TRY_ASSIGN(request.new_password, text(fields[1], "new_password must be a string"));
  TRY_ASSIGN(request.refresh, refresh_by(fields[2]));
  return request;
}

Result<std::string> parse_password(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"password"})));
  return text(fields[0], kPasswordComplaint);
}

Result<KeyRequest> parse_key_request(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"name", "scopes", "expires_in"})));
  KeyRequest request;
  TRY_ASSIGN(request.name, text(fields[0], "name must be a string"));
  if (request.name.empty() || request.name.size() > store::kKeyNameBytesMax || has_control_characters(request.name))
    return fail(Code::invalid, 0, "name must have 1 to 128 bytes without control characters");
  static constexpr char kComplaint[] = "scopes must be a list of \"read\" and \"chat\"";
  const auto scopes = fields[1].texts();
  if (!scopes) return fail(Code::invalid, 0, kComplaint);
  for (const std::string_view word : *scopes) {
    if (word == "read") {
      request.scopes |= store::key_scopes::kRead;
    } else if (word == "chat") {
      request.scopes |= store::key_scopes::kAll;  // who writes sees what comes of it
    } else {
      return fail(Code::invalid, 0, kComplaint);
    }
  }
  if (request.scopes == 0) return fail(Code::invalid, 0, kComplaint);
  TRY_ASSIGN(request.expires_in_s, seconds(fields[2], 0));
  return request;
}

Result<InvitationRequest> parse_invitation_request(std::string_view body) {
  TRY_ASSIGN(const auto fields,
             parse_object(or_empty_object(body), std::to_array<std::string_view>({"role", "expires_in"})));
  InvitationRequest request;
  TRY_ASSIGN(const auto chosen, role(fields[0]));
  request.role = chosen.value_or(store::AccountRole::user);
  TRY_ASSIGN(request.expires_in_s, seconds(fields[1], auth::kInvitationTtlS));
  if (request.expires_in_s > auth::kInvitationTtlMaxS)
    return fail(Code::invalid, 0, "an invitation is good for 30 days at most");
  return request;
}

Result<AccountChange> parse_account_change(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"role", "state", "logout"})));
  AccountChange change;
  TRY_ASSIGN(change.role, role(fields[0]));
  TRY_ASSIGN(const std::string state, text_or_empty(fields[1], "state must be \"active\" or \"blocked\""));
  if (state == "active") {
    change.state = store::AccountState::active;
  } else if (state == "blocked") {
    change.state = store::AccountState::blocked;
  } else if (!state.empty()) {
    return fail(Code::invalid, 0, "state must be \"active\" or \"blocked\"");
  }
  TRY_ASSIGN(change.logout, truth(fields[2], "logout must be true or false"));
  if (!change.role && !change.state && !change.logout) return fail(Code::invalid, 0, "nothing is to be changed");
  return change;
}

}  // namespace bobbin::api
