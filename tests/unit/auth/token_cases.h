#pragma once

#include <string>
#include <string_view>

#include "src/auth/base64url.h"
#include "src/auth/digest.h"

// Tokens of any shape, for tests: put together by hand, so that also the impossible ones can be signed.
namespace bobbin::auth {

inline constexpr char kSecret[] = "a-secret-of-the-tests-with-more-than-32-bytes";
inline constexpr char kHeader[] = R"({"alg":"HS256","typ":"JWT"})";
inline constexpr int64_t kNowS = 1'800'000'000;

inline std::string sign_parts(std::string_view header_part, std::string_view claims_part) {
  std::string text = std::string(header_part) + "." + std::string(claims_part);
  const Sha256 signature = hmac_sha256(kSecret, text);
  return text + "." + to_base64url(as_text(signature));
}

inline std::string signed_token(std::string_view header, std::string_view claims) {
  return sign_parts(to_base64url(header), to_base64url(claims));
}

// A token with these claims and the usual header.
inline std::string token_with(std::string_view claims) { return signed_token(kHeader, claims); }

}  // namespace bobbin::auth
