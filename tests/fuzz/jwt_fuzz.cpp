// Tokens. Input: a token as sent, or a header and claims with a line end between them, which are then signed.
//
// No token that was not made with the verifier's secret is accepted: not the input, not one signed with another secret,
// not a good one with any part changed. What a good signature stands under is read without harm and judged by its
// claims.

#include "src/auth/jwt.h"

#include <string>

#include "src/auth/base64url.h"
#include "src/auth/digest.h"
#include "src/base/text.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

constexpr int64_t kNowS = 1'800'000'000;
// Nothing is ever signed with it, so nothing may pass.
constexpr char kCanarySecret[] = "the-canary-secret-that-signs-nothing-at-all";
constexpr char kSecret[] = "the-secret-of-tokens-that-may-be-accepted";

const auth::TokenVerifier& canary_verifier() {
  static const auth::TokenVerifier verifier{std::string(kCanarySecret)};
  return verifier;
}

std::string sign(std::string_view header, std::string_view claims) {
  std::string text = auth::to_base64url(header) + "." + auth::to_base64url(claims);
  return text + "." + auth::to_base64url(auth::as_text(auth::hmac_sha256(kSecret, text)));
}

void check_refused(const auth::TokenVerifier& verifier, std::string_view token) {
  const Result<auth::Identity> identity = verifier.verify(token, kNowS);
  FUZZ_CHECK(!identity.has_value() && identity.error().code == Code::unauthorized);
}

void check_signed(std::string_view header, std::string_view claims) {
  static const auth::TokenVerifier verifier{std::string(kSecret)};
  const std::string token = sign(header, claims);
  check_refused(canary_verifier(), token);
  const Result<auth::Identity> identity = verifier.verify(token, kNowS);
  if (!identity) {
    FUZZ_CHECK(identity.error().code == Code::unauthorized);
    return;
  }
  FUZZ_CHECK(auth::is_user_id(identity->user));
  FUZZ_CHECK(identity->expires_us > kNowS * 1'000'000);
  FUZZ_CHECK(header.find("HS256") != std::string_view::npos || header.find("\\u") != std::string_view::npos);
  FUZZ_CHECK(!verifier.verify(token, identity->expires_us / 1'000'000 + 1).has_value());
  // One other letter anywhere: at places that differ from input to input.
  for (size_t i = 0; i < 8; ++i) {
    std::string changed = token;
    char& letter = changed[(i * 31 + claims.size() * 7) % changed.size()];
    letter = letter == 'A' ? 'B' : 'A';
    check_refused(verifier, changed);
  }
  check_refused(verifier, token.substr(0, token.rfind('.') + 1));
  check_refused(verifier, token + "=");
  check_refused(verifier, token + "A");
}

}  // namespace

void run(std::string_view input) {
  check_refused(canary_verifier(), input);
  const size_t end = input.find('\n');
  if (end != std::string_view::npos) check_signed(input.substr(0, end), input.substr(end + 1));
}

}  // namespace bobbin::fuzz
