#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/auth/key.h"
#include "src/auth/key_ring.h"
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

// What our own tokens name, as those of Supabase Auth do.
inline constexpr char kOwnAudience[] = "authenticated";

struct VerifierOptions {
  // `aud`, where a token has one, must be or contain this; for tokens of a local key kOwnAudience will do as well.
  std::string audience = kOwnAudience;
  // `iss` must be this; empty: any or none. Tokens of a local key may leave it out, as ours do: the secret says who
  // made them.
  std::string issuer;
  // Keys of an issuer besides ours; null: none. Outlives the verifier.
  const KeyRing* ring = nullptr;
};

// Ids of built-in accounts. No token of another issuer may speak for one.
[[nodiscard]] inline bool is_account_id(std::string_view user) noexcept {
  return user.starts_with(store::kAccountIdPrefix);
}

// Error::number of a token whose `kid` no key has: with newer keys of the issuer it may be good.
inline constexpr int32_t kUnknownKey = 1;

// A token may be used so many seconds before its `nbf`: its maker's clock may be ahead of ours. `exp` has no leeway;
// whoever holds a token that expires within seconds fetches a new one anyway.
inline constexpr int64_t kNotBeforeLeewayS = 5;

// Checks JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, under the rules of RFC 8725.
//
// Constant but for the ring's keys, so one serves all threads.
class TokenVerifier {
 public:
  // With the secret alone: HS256, a local key without id.
  explicit TokenVerifier(std::string secret, VerifierOptions options = {});
  TokenVerifier(KeySet keys, VerifierOptions options);

  // The identity that `token` proves at `now_s` (seconds since 1970).
  //
  // The signature is checked before any claim is read. Header and claims are strict JSON objects without repeated
  // names; `typ`, where there is one, is JWT or at+jwt (RFC 9068); `crit` is refused, `jku`, `jwk`, `x5u` and `x5c` are
  // never followed. `sub` and `exp` are required. Errors: unauthorized only; its detail says which rule failed and
  // quotes nothing of the token, its number is kUnknownKey or 0.
  Result<Identity> verify(std::string_view token, int64_t now_s) const;

  // Changes whenever the keys do: what was verified before must be verified again.
  [[nodiscard]] uint64_t keys_version() const noexcept {
    return options_.ring != nullptr ? options_.ring->version() : 0;
  }

 private:
  KeySet keys_;
  VerifierOptions options_;
};

}  // namespace bobbin::auth
