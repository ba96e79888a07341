#include "src/auth/token_mint.h"

#include "src/auth/jwt.h"
#include "tests/support/test.h"
#include "tests/unit/auth/token_cases.h"

// What `bobbin token` makes is what the server accepts, and nothing more than was asked for.
namespace bobbin::auth {
namespace {

TEST_CASE(minted_token_verifies_until_its_end) {
  const TokenVerifier verifier(kSecret);
  const std::string token = CHECK_OK(mint_token(kSecret, {.user = "J\xc3\xb6rg \"x\"", .ttl_s = 10}, kNowS));
  const Identity identity = CHECK_OK(verifier.verify(token, kNowS + 9));
  CHECK_EQ(identity.user, "Jörg \"x\"");
  CHECK_EQ(identity.expires_us, (kNowS + 10) * 1'000'000);
  CHECK(!identity.admin && !identity.replicate);
  CHECK_FAILS(verifier.verify(token, kNowS + 10), Code::unauthorized);
  CHECK_FAILS(TokenVerifier(std::string(32, 'k')).verify(token, kNowS), Code::unauthorized);
}

TEST_CASE(roles_are_minted_one_by_one) {
  const TokenVerifier verifier(kSecret);
  const Identity admin =
      CHECK_OK(verifier.verify(CHECK_OK(mint_token(kSecret, {.user = "a", .admin = true}, kNowS)), kNowS));
  CHECK(admin.admin && !admin.replicate);
  const Identity replica =
      CHECK_OK(verifier.verify(CHECK_OK(mint_token(kSecret, {.user = "a", .replicate = true}, kNowS)), kNowS));
  CHECK(!replica.admin && replica.replicate);
}

TEST_CASE(bad_requests_mint_nothing) {
  CHECK_FAILS(mint_token(kSecret, {.user = ""}, kNowS), Code::invalid);
  CHECK_FAILS(mint_token(kSecret, {.user = "a\nb"}, kNowS), Code::invalid);
  CHECK_FAILS(mint_token(kSecret, {.user = "\xff"}, kNowS), Code::invalid);
  CHECK_FAILS(mint_token(kSecret, {.user = "a", .ttl_s = 0}, kNowS), Code::invalid);
  CHECK_FAILS(mint_token(kSecret, {.user = "a", .ttl_s = INT64_MAX}, kNowS), Code::invalid);
  CHECK_FAILS(mint_token("short", {.user = "a"}, kNowS), Code::invalid);
}

}  // namespace
}  // namespace bobbin::auth
