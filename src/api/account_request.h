#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/auth/accounts.h"
#include "src/base/result.h"
#include "storage/account_types.h"

// The JSON bodies of /auth and /admin, checked. Errors of all: malformed, invalid; unknown fields are ignored.
namespace bobbin::api {

// `"refresh": "cookie"`: the refresh token goes into a cookie that scripts cannot read, not into the body.
enum class RefreshBy : uint8_t { body, cookie };

struct RegisterRequest {
  auth::NewAccount account;
  RefreshBy refresh = RefreshBy::body;
};
Result<RegisterRequest> parse_register_request(std::string_view body);

struct SignInRequest {
  std::string email;
  std::string password;
  RefreshBy refresh = RefreshBy::body;
};
Result<SignInRequest> parse_sign_in_request(std::string_view body);

// Also an empty body.
struct RefreshRequest {
  std::string refresh_token;  // empty: it is in the cookie
};
Result<RefreshRequest> parse_refresh_request(std::string_view body);

// Also an empty body.
struct LogoutRequest {
  std::string refresh_token;
  bool everywhere = false;
};
Result<LogoutRequest> parse_logout_request(std::string_view body);

struct PasswordRequest {
  std::string password;  // empty where a reset token speaks for it
  std::string new_password;
  RefreshBy refresh = RefreshBy::body;
};
Result<PasswordRequest> parse_password_request(std::string_view body);

// DELETE /auth/me.
Result<std::string> parse_password(std::string_view body);

struct KeyRequest {
  std::string name;
  uint32_t scopes = 0;        // store::key_scopes
  uint64_t expires_in_s = 0;  // 0: never
};
Result<KeyRequest> parse_key_request(std::string_view body);

struct InvitationRequest {
  store::AccountRole role = store::AccountRole::user;
  uint64_t expires_in_s = 0;
};
// Also an empty body.
Result<InvitationRequest> parse_invitation_request(std::string_view body);

struct AccountChange {
  std::optional<store::AccountRole> role;
  std::optional<store::AccountState> state;
  bool logout = false;
};
Result<AccountChange> parse_account_change(std::string_view body);

}  // namespace bobbin::api
