#include "src/auth/token_cache.h"

#include "src/auth/token_mint.h"
#include "tests/support/test.h"
#include "tests/unit/auth/token_cases.h"

// The cache may save work, never change an answer.
namespace bobbin::auth {
namespace {

std::string token_for(std::string_view user, int64_t ttl_s) {
  return CHECK_OK(mint_token(kSecret, {.user = user, .ttl_s = ttl_s}, kNowS));
}

TEST_CASE(second_look_is_a_hit_with_the_same_identity) {
  const TokenVerifier verifier(kSecret);
  TokenCache cache(verifier);
  const std::string token = token_for("ada", 60);
  CHECK_EQ(CHECK_OK(cache.verify(token, kNowS)).user, "ada");
  CHECK_EQ(cache.hits(), 0u);
  CHECK_EQ(CHECK_OK(cache.verify(token, kNowS + 59)).user, "ada");
  CHECK_EQ(cache.hits(), 1u);
}

TEST_CASE(remembered_token_ends_at_its_exp) {
  const TokenVerifier verifier(kSecret);
  TokenCache cache(verifier);
  const std::string token = token_for("ada", 60);
  CHECK_OK(cache.verify(token, kNowS));
  CHECK_FAILS(cache.verify(token, kNowS + 60), Code::unauthorized);
  CHECK_EQ(cache.size(), 0u);
}

TEST_CASE(bad_tokens_are_not_remembered) {
  const TokenVerifier verifier(kSecret);
  TokenCache cache(verifier);
  std::string token = token_for("ada", 60);
  token.back() = token.back() == 'A' ? 'E' : 'A';
  CHECK_FAILS(cache.verify(token, kNowS), Code::unauthorized);
  CHECK_FAILS(cache.verify(token, kNowS), Code::unauthorized);
  CHECK_FAILS(cache.verify(std::string(100'000, 'x'), kNowS), Code::unauthorized);
  CHECK_EQ(cache.size(), 0u);
}

TEST_CASE(size_is_bounded_and_tokens_in_use_stay) {
  const TokenVerifier verifier(kSecret);
  TokenCache cache(verifier, 8);
  const std::string busy = token_for("busy", 60);
  CHECK_OK(cache.verify(busy, kNowS));
  for (int i = 0; i < 100; ++i) {
    CHECK_OK(cache.verify(token_for("user" + std::to_string(i), 60), kNowS));
    CHECK_EQ(CHECK_OK(cache.verify(busy, kNowS)).user, "busy");
    CHECK(cache.size() <= 8);
  }
  CHECK_EQ(cache.hits(), 100u);
}

}  // namespace
}  // namespace bobbin::auth
