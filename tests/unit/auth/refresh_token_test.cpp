// Refresh tokens: what was put in comes out, the same in gives the same out, and nothing else is one.
#include "src/auth/refresh_token.h"

#include "src/auth/base64url.h"
#include "src/auth/digest.h"
#include "src/base/result.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::auth;

namespace {

const std::string kSecret(32, 's');

RefreshToken sample() {
  RefreshToken token{.account = "acct_1", .generation = 7};
  token.login.bytes.fill(3);
  return token;
}

}  // namespace

TEST_CASE(a_refresh_token_says_what_was_put_into_it) {
  const std::string text = make_refresh_token(kSecret, sample());
  CHECK(text.starts_with("bobr_"));
  CHECK((parse_refresh_token(kSecret, text) == sample()));
}

TEST_CASE(the_same_generation_is_the_same_token_and_the_next_another) {
  RefreshToken next = sample();
  ++next.generation;
  CHECK_EQ(make_refresh_token(kSecret, sample()), make_refresh_token(kSecret, sample()));
  CHECK(make_refresh_token(kSecret, sample()) != make_refresh_token(kSecret, next));
}

TEST_CASE(a_refresh_token_of_another_server_is_none) {
  CHECK(!parse_refresh_token(std::string(32, 't'), make_refresh_token(kSecret, sample())));
}

TEST_CASE(no_change_of_any_character_is_a_refresh_token) {
  const std::string text = make_refresh_token(kSecret, sample());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(!parse_refresh_token(kSecret, changed));
    CHECK(!parse_refresh_token(kSecret, text.substr(0, i)));
  }
  CHECK(!parse_refresh_token(kSecret, text + "A"));
  CHECK(!parse_refresh_token(kSecret, std::string(600, 'A')));
}

TEST_CASE(a_signature_under_the_key_of_access_tokens_is_of_no_refresh_token) {
  const std::string text = make_refresh_token(kSecret, sample());
  const std::string payload = *from_base64url(text.substr(5, text.find('.') - 5));
  std::string forged = text.substr(0, text.find('.') + 1);
  append_base64url(forged, as_text(hmac_sha256(kSecret, payload)));
  CHECK(!parse_refresh_token(kSecret, forged));
}

TEST_CASE(a_token_without_an_account_is_none) {
  CHECK(!parse_refresh_token(kSecret, make_refresh_token(kSecret, {.account = "", .generation = 1})));
}
