// Which keys of a JWK set are used, and for what. A set is somebody else's text: what it must not bring in is a secret,
// a weak key, a key for another end, or a key under two readings.

#include "src/auth/jwks.h"

#include <unistd.h>

#include <cstdio>

#include "src/auth/base64url.h"
#include "src/auth/small_file.h"
#include "tests/support/test.h"
#include "tests/unit/auth/key_pairs.h"

namespace bobbin::auth {
namespace {

std::string set_of(const std::vector<std::string>& jwks) {
  std::string text = "{\"keys\":[";
  for (const std::string& jwk : jwks) text += (text.back() == '[' ? "" : ",") + jwk;
  return text + "]}";
}

Result<Key> parse_one(const std::string& jwk) {
  TRY_ASSIGN(KeySet keys, parse_jwks(set_of({jwk})));
  CHECK_EQ(keys.size(), size_t{1});
  return std::move(keys[0]);
}

void check_skipped(const std::string& jwk) { CHECK_FAILS(parse_jwks(set_of({jwk})), Code::invalid); }

TEST_CASE(a_key_has_one_algorithm_its_own_or_that_of_its_type) {
  const auto algorithm = [](const KeyPair& pair, const char* more) {
    return CHECK_OK(parse_one(pair.jwk(more))).algorithm;
  };
  CHECK(algorithm(rsa_pair(), "") == Algorithm::rs256);
  CHECK(algorithm(rsa_pair(), R"(,"alg":"RS256")") == Algorithm::rs256);
  CHECK(algorithm(rsa_pair(), R"(,"alg":"PS256")") == Algorithm::ps256);
  CHECK(algorithm(ec_pair(), "") == Algorithm::es256);
  CHECK(algorithm(ec_pair(), R"(,"alg":"ES256")") == Algorithm::es256);
  CHECK(algorithm(ed25519_pair(), "") == Algorithm::eddsa);
  CHECK(algorithm(ed25519_pair(), R"(,"alg":"EdDSA")") == Algorithm::eddsa);
  CHECK(algorithm(ed25519_pair(), R"(,"alg":"Ed25519")") == Algorithm::eddsa);
}

TEST_CASE(an_algorithm_that_is_not_the_types_skips_the_key) {
  for (const char* alg : {"HS256", "RS384", "RS512", "PS384", "RSA-OAEP", "ES256", "EdDSA", "none", "", "rs256"})
    check_skipped(rsa_pair().jwk(",\"alg\":\"" + std::string(alg) + "\""));
  for (const char* alg : {"HS256", "RS256", "ES384", "ES512", "ECDH-ES", "EdDSA"})
    check_skipped(ec_pair().jwk(",\"alg\":\"" + std::string(alg) + "\""));
  for (const char* alg : {"HS256", "RS256", "ES256", "Ed448"})
    check_skipped(ed25519_pair().jwk(",\"alg\":\"" + std::string(alg) + "\""));
  for (const char* alg : {"null", "256", "[\"RS256\"]"}) check_skipped(rsa_pair().jwk(",\"alg\":" + std::string(alg)));
}

TEST_CASE(a_key_for_another_end_is_skipped) {
  CHECK_OK(parse_one(rsa_pair().jwk(R"(,"use":"sig","key_ops":["verify"])")));
  CHECK_OK(parse_one(rsa_pair().jwk(R"(,"key_ops":["sign","verify"],"ext":true)")));
  for (const char* more : {R"(,"use":"enc")", R"(,"use":"")", R"(,"use":"SIG")", R"(,"use":null)", R"(,"use":["sig"])",
                           R"(,"key_ops":[])", R"(,"key_ops":["sign"])", R"(,"key_ops":["encrypt"])",
                           R"(,"key_ops":"verify")", R"(,"key_ops":null)", R"(,"key_ops":[["verify"]])",
                           R"(,"use":"enc","key_ops":["verify"])", R"(,"use":"sig","key_ops":["wrapKey"])"}) {
    check_skipped(rsa_pair().jwk(more));
  }
}

TEST_CASE(secrets_are_never_used) {
  check_skipped(
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
  check_skipped(R"({"kty":"oct","alg":"HS256","use":"sig","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"})");
  check_skipped(ec_pair().jwk(",\"d\":\"" + ec_pair().private_member() + "\""));
  check_skipped(ed25519_pair().jwk(",\"d\":\"" + ed25519_pair().private_member() + "\""));
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
    check_skipped(rsa_pair().jwk(",\"" + std::string(name) + "\":\"AQAB\""));
}

TEST_CASE(weak_keys_and_other_curves_are_skipped) {
  check_skipped(KeyPair::make_rsa(1024).jwk());
  check_skipped(KeyPair::make_ec("P-384").jwk());
  check_skipped(KeyPair::make_ec("P-521").jwk());
  check_skipped(R"({"kty":"OKP","crv":"X25519","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"})");
  check_skipped(R"({"kty":"OKP","crv":"Ed448","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  // The numbers of one curve under the name of another.
  std::string renamed = KeyPair::make_ec("P-384").jwk();
  renamed.replace(renamed.find("P-384"), 5, "P-256");
  check_skipped(renamed);
  std::string secp = ec_pair().jwk();
  secp.replace(secp.find("P-256"), 5, "secp256k1");
  check_skipped(secp);
}

TEST_CASE(malformed_keys_are_skipped) {
  const std::string modulus = rsa_pair().jwk();
  for (const char* bad :
       {"1", "null", "\"x\"", "[]", "{}", R"({"kty":null})", R"({"kty":"RSA"})", R"({"kty":"RSA","n":"","e":"AQAB"})",
        R"({"kty":"rsa","n":"AQAB","e":"AQAB"})", R"({"kty":"RSA","n":65537,"e":3})", R"({"kty":"EC","crv":"P-256"})",
        R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", R"({"kty":"OKP","crv":"Ed25519","x":null})"}) {
    check_skipped(bad);
  }
  check_skipped(rsa_pair().jwk(R"(,"kid":1)"));
  check_skipped(rsa_pair().jwk(",\"kid\":\"" + std::string(257, 'k') + "\""));
  std::string padded = rsa_pair().jwk();
  padded.replace(padded.find("AQAB"), 4, "AQAB====");
  check_skipped(padded);
}

TEST_CASE(a_name_that_comes_twice_is_refused_where_it_is_read) {
  check_skipped(rsa_pair().jwk(R"(,"alg":"RS256","alg":"PS256")"));
  check_skipped(rsa_pair().jwk(R"(,"kid":"a","kid":"b")"));
  check_skipped(rsa_pair().jwk(R"(,"\u006bid":"a","kid":"b")"));
  check_skipped(rsa_pair().jwk(R"(,"e":"AQAB")"));
  CHECK_FAILS(parse_jwks("{\"keys\":[" + rsa_pair().jwk() + "],\"keys\":[]}"), Code::malformed);
  CHECK_FAILS(parse_jwks("{\"keys\":[" + rsa_pair().jwk() + R"(],"x":1,"x":2})"), Code::malformed);
}

TEST_CASE(good_keys_count_beside_bad_ones) {
  const KeySet keys = CHECK_OK(parse_jwks(set_of(
      {R"({"kty":"oct","k":"AAAA","kid":"s"})", ec_pair().jwk(R"(,"kid":"e")"),
       rsa_pair().jwk(R"(,"kid":"x","use":"enc")"), "7", rsa_pair().jwk(R"(,"kid":"r")"), ed25519_pair().jwk()})));
  CHECK_EQ(keys.size(), size_t{3});
  CHECK_EQ(keys[0].id, "e");
  CHECK_EQ(keys[1].id, "r");
  CHECK_EQ(keys[2].id, "");
  for (const Key& key : keys) {
    CHECK(!key.local);
    CHECK(key.material.empty());
  }
}

TEST_CASE(what_is_no_key_set_is_an_error) {
  for (const char* bad : {"", "null", "[]", "{}", "x", R"({"keys":null})", R"({"keys":{}})", R"({"Keys":[]})",
                          "<html></html>", R"({"keys":[})", R"({"keys":[]}x)", "\xff", "{\"keys\":[\"\xff\"]}"}) {
    CHECK_FAILS(parse_jwks(bad), Code::malformed);
  }
  CHECK_FAILS(parse_jwks(R"({"keys":[]})"), Code::invalid);
  const std::string whole = set_of({ec_pair().jwk()});
  for (size_t bytes = 0; bytes < whole.size(); ++bytes)
    CHECK_FAILS(parse_jwks(std::string_view(whole).substr(0, bytes)), Code::malformed);
  CHECK_FAILS(parse_jwks(std::string(100'000, '[')), Code::malformed);
}

TEST_CASE(size_and_count_are_bounded) {
  const std::string jwk = ec_pair().jwk();
  std::string padded = set_of({jwk});
  padded.insert(padded.size() - 1, kJwksBytesMax - padded.size(), ' ');
  CHECK_EQ(CHECK_OK(parse_jwks(padded)).size(), size_t{1});
  CHECK_FAILS(parse_jwks(padded + " "), Code::too_large);
  CHECK_EQ(CHECK_OK(parse_jwks(set_of(std::vector<std::string>(64, jwk)))).size(), size_t{64});
  CHECK_EQ(CHECK_OK(parse_jwks(set_of(std::vector<std::string>(65, jwk)))).size(), size_t{64});
}

TEST_CASE(a_file_gives_its_keys_or_leaves_the_ring_as_it_was) {
  const std::string path = "/tmp/bobbin-jwks-test-" + std::to_string(::getpid());
  KeyRing ring;
  CHECK_FAILS(reload_jwks_file(path, ring), Code::not_found);
  CHECK_OK(replace_small_file(path, set_of({ec_pair().jwk()})));
  CHECK_OK(reload_jwks_file(path, ring));
  CHECK_EQ(ring.keys()->size(), size_t{1});
  const uint64_t version = ring.version();
  CHECK_OK(replace_small_file(path, "{}"));
  CHECK_FAILS(reload_jwks_file(path, ring), Code::malformed);
  CHECK_OK(replace_small_file(path, std::string(kJwksBytesMax + 1, ' ')));
  CHECK_FAILS(reload_jwks_file(path, ring), Code::too_large);
  CHECK_EQ(ring.keys()->size(), size_t{1});
  CHECK_EQ(ring.version(), version);
  CHECK_FAILS(reload_jwks_file("/tmp", ring), Code::io);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace bobbin::auth
