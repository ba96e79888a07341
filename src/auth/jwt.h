#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/auth/key.h"
#include "src/base/result.h"
#include "src/base/uuid.h"
#include "storage/account_types.h"

namespace bobbin::auth {

// Who a request speaks for.
struct Identity {
  std::string user;             // 1..128 bytes of UTF-8 without control characters
  bool admin = false;           // claim bobbin_role: "admin"
  bool replicate = false;       // claim bobbin_scope: "replicate"
  bool password_reset = false;  // claim bobbin_scope: "password"; good for setting a new one and nothing else
  int64_t expires_us = 0;       // wall clock; the identity is good before it
  int64_t issued_us = 0;        // claim iat; 0: the token does not say
  Uuid credential;              // the login (claim bobbin_login) or the API key that it stands on; zero: neither
  bool is_api_key = false;
  uint32_t scopes = store::key_scopes::kAll;  // store::key_scopes: what an API key may do; others may do all
};

// Whether `user` can be a user id: 1..kUserIdBytesMax bytes of UTF-8 without control characters.
[[nodiscard]] bool is_user_id(std::string_view user) noexcept;

struct VerifierOptions {
  // `aud`, where a token has one, must be or contain this.
  std::string audience = "authenticated";
  // `iss` must be this; empty: any or none.
  std::string issuer;
};

// A token may be used so many seconds before its `nbf`: its maker's clock may be ahead of ours. `exp` has no leeway;
// whoever holds a token that expires within seconds fetches a new one anyway.
inline constexpr int64_t kNotBeforeLeewayS = 5;

// Checks JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, under the rules of RFC 8725.
//
// Immutable once built, so one serves all threads.
class TokenVerifier {
 public:
  // With the secret alone: HS256, a local key without id.
  explicit TokenVerifier(std::string secret, VerifierOptions options = {});
  TokenVerifier(std::vector<Key> keys, VerifierOptions options);

  // The identity that `token` proves at `now_s` (seconds since 1970).
  //
  // The signature is checked before any claim is read. Header and claims are strict JSON objects without repeated
  // names; `crit` is refused, `jku`, `jwk`, `x5u` and `x5c` are never followed. `sub` and `exp` are required. Errors:
  // unauthorized only; its detail says which rule failed and quotes nothing of the token.
  Result<Identity> verify(std::string_view token, int64_t now_s) const;

 private:
  std::vector<Key> keys_;
  VerifierOptions options_;
};

}  // namespace bobbin::auth
