#include "src/auth/token_mint.h"

#include "src/auth/base64url.h"
#include "src/auth/digest.h"
#include "src/auth/jwt.h"
#include "src/auth/secret.h"
#include "src/base/json.h"

namespace bobbin::auth {

Result<std::string> mint_token(std::string_view secret, const MintRequest& request, int64_t now_s) {
  TRY(check_secret(secret));
  if (!is_user_id(request.user)) {
    return fail(Code::invalid, 0, "the user id must have 1 to 128 bytes of UTF-8 without control characters");
  }
  if (request.ttl_s < 1 || request.ttl_s > kTokenTtlSecondsMax) {
    return fail(Code::invalid, 0, "the token's time to live must be between one second and ten years");
  }
  std::string claims;
  json::Object object(claims);
  object.field("sub", request.user).field("aud", kOwnAudience).number("iat", now_s);
  object.number("exp", now_s + request.ttl_s);
  if (request.admin) object.field("bobbin_role", "admin");
  if (request.replicate) object.field("bobbin_scope", "replicate");
  if (request.password_reset) object.field("bobbin_scope", "password");
  if (!request.login.is_zero()) object.field("bobbin_login", request.login.to_string());
  object.close();

  std::string token = to_base64url(R"({"alg":"HS256","typ":"JWT"})");
  token.push_back('.');
  append_base64url(token, claims);
  const Sha256 signature = hmac_sha256(secret, token);
  token.push_back('.');
  append_base64url(token, as_text(signature));
  return token;
}

}  // namespace bobbin::auth
