// RFC 8725, "JSON Web Token Best Current Practices", section 3: each case is named by its rule and tries what the rule
// is there against. One verifier has the local secret and, as an issuer's keys, one key of each kind.

#include <algorithm>

#include "src/auth/jwks.h"
#include "src/auth/jwt.h"
#include "src/auth/token_mint.h"
#include "src/base/limits.h"
#include "tests/support/test.h"
#include "tests/unit/auth/key_pairs.h"
#include "tests/unit/auth/token_cases.h"

namespace bobbin::auth {
namespace {

constexpr char kClaims[] = R"({"sub":"ada","exp":1900000000})";

const KeyRing& issuer_ring() {
  static const KeyRing ring(
      CHECK_OK(parse_jwks("{\"keys\":[" + rsa_pair().jwk(R"(,"kid":"rsa","alg":"RS256")") + "," +
                          rsa_pair().jwk(R"(,"kid":"pss","alg":"PS256")") + "," + ec_pair().jwk(R"(,"kid":"ec")") +
                          "," + ed25519_pair().jwk(R"(,"kid":"ed")") + "]}")));
  return ring;
}

Result<Identity> verify(std::string_view token, VerifierOptions options = {}) {
  options.ring = &issuer_ring();
  return TokenVerifier(kSecret, options).verify(token, kNowS);
}

std::string header_of(std::string_view alg, std::string_view kid, std::string_view more = "") {
  return "{\"alg\":\"" + std::string(alg) + "\",\"kid\":\"" + std::string(kid) + "\"" + std::string(more) + "}";
}

// A good token of the issuer.
std::string issued(std::string_view claims = kClaims, std::string_view more_header = "") {
  return ec_pair().token("ES256", header_of("ES256", "ec", more_header), claims);
}

TEST_CASE(tokens_of_every_kind_of_key_are_good) {
  const std::string tokens[] = {token_with(kClaims),
                                rsa_pair().token("RS256", header_of("RS256", "rsa"), kClaims),
                                rsa_pair().token("PS256", header_of("PS256", "pss"), kClaims),
                                issued(),
                                ed25519_pair().token("EdDSA", header_of("EdDSA", "ed"), kClaims),
                                ed25519_pair().token("EdDSA", header_of("Ed25519", "ed"), kClaims)};
  for (const std::string& token : tokens) CHECK_EQ(CHECK_OK(verify(token)).user, "ada");
}

TEST_CASE(rule_3_1_perform_algorithm_verification) {
  // A public key as an HMAC secret, in every form in which it is public.
  const KeyPair* const pairs[] = {&rsa_pair(), &ec_pair(), &ed25519_pair()};
  for (const KeyPair* pair : pairs) {
    for (const std::string& secret : {pair->public_pem(), pair->public_der(), pair->jwk(), pair->members(),
                                      pair->public_pem().substr(0, pair->public_pem().size() - 1)}) {
      for (const char* kid : {"rsa", "pss", "ec", "ed", ""}) {
        const std::string text = to_base64url(header_of("HS256", kid)) + "." + to_base64url(kClaims);
        CHECK_FAILS(verify(text + "." + to_base64url(as_text(hmac_sha256(secret, text)))), Code::unauthorized);
      }
    }
  }
  // A key is used for its own algorithm alone, whatever the header says and however good the signature is.
  for (const char* kid : {"rsa", "pss", "ec", "ed"}) {
    for (const char* alg : {"RS256", "PS256"}) {
      const bool is_own = std::string_view(kid) == (std::string_view(alg) == "RS256" ? "rsa" : "pss");
      CHECK_EQ(verify(rsa_pair().token(alg, header_of(alg, kid), kClaims)).has_value(), is_own);
    }
    CHECK_EQ(verify(ec_pair().token("ES256", header_of("ES256", kid), kClaims)).has_value(),
             std::string_view(kid) == "ec");
    CHECK_EQ(verify(ed25519_pair().token("EdDSA", header_of("EdDSA", kid), kClaims)).has_value(),
             std::string_view(kid) == "ed");
  }
  // The header names one algorithm, the signature is of another.
  CHECK_FAILS(verify(rsa_pair().token("PS256", header_of("RS256", "rsa"), kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(rsa_pair().token("RS256", header_of("PS256", "pss"), kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(rsa_pair().token("RS256", header_of("HS256", "rsa"), kClaims)), Code::unauthorized);
  // A key without `alg` has one algorithm as well.
  const KeyRing plain(CHECK_OK(parse_jwks("{\"keys\":[" + rsa_pair().jwk() + "]}")));
  const TokenVerifier verifier(kSecret, {.ring = &plain});
  CHECK_OK(verifier.verify(rsa_pair().token("RS256", R"({"alg":"RS256"})", kClaims), kNowS));
  CHECK_FAILS(verifier.verify(rsa_pair().token("PS256", R"({"alg":"PS256"})", kClaims), kNowS), Code::unauthorized);
}

TEST_CASE(rule_3_2_use_appropriate_algorithms) {
  for (const char* alg :
       {"none",  "None",  "NONE",  "nOnE",  "",       "HS1",   "HS384", "HS512",  "RS1",   "RS384", "RS512",
        "PS384", "PS512", "ES384", "ES512", "ES256K", "Ed448", "dir",   "RSA1_5", "es256", "ES256 "}) {
    for (const char* kid : {"", "rsa", "ec"}) {
      const std::string text = to_base64url(header_of(alg, kid)) + "." + to_base64url(kClaims);
      CHECK_FAILS(verify(text + "."), Code::unauthorized);
      CHECK_FAILS(verify(text), Code::unauthorized);
      CHECK_FAILS(verify(sign_parts(to_base64url(header_of(alg, kid)), to_base64url(kClaims))), Code::unauthorized);
      CHECK_FAILS(verify(ec_pair().token("ES256", header_of(alg, kid), kClaims)), Code::unauthorized);
    }
  }
}

TEST_CASE(rule_3_3_validate_all_cryptographic_operations) {
  const std::string good = issued();
  const size_t signature_at = good.rfind('.') + 1;
  CHECK_FAILS(verify(good.substr(0, signature_at)), Code::unauthorized);  // stripped
  CHECK_FAILS(verify(good.substr(0, signature_at - 1)), Code::unauthorized);
  const std::string other = issued(R"({"sub":"eve","exp":1900000000})");
  CHECK_FAILS(verify(other.substr(0, other.rfind('.') + 1) + good.substr(signature_at)), Code::unauthorized);
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    CHECK_FAILS(verify(bad), Code::unauthorized);
  }
  // Somebody else's key of the same kind, under the issuer's kid.
  CHECK_FAILS(verify(KeyPair::make_ec().token("ES256", header_of("ES256", "ec"), kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(KeyPair::make_ed25519().token("EdDSA", header_of("EdDSA", "ed"), kClaims)), Code::unauthorized);
}

TEST_CASE(rule_3_4_validate_cryptographic_inputs) {
  // Points off the curve and keys of other curves never become keys (jwks_test, public_key_test); here: a token of the
  // wrong curve, and signatures with r or s out of range.
  const KeyPair p384 = KeyPair::make_ec("P-384");
  const std::string text = to_base64url(header_of("ES256", "ec")) + "." + to_base64url(kClaims);
  CHECK_FAILS(verify(text + "." + to_base64url(p384.sign("DER", text))), Code::unauthorized);
  CHECK_FAILS(verify(text + "." + to_base64url(std::string(64, '\0'))), Code::unauthorized);
  CHECK_FAILS(verify(text + "." + to_base64url(std::string(64, '\xff'))), Code::unauthorized);
  CHECK_FAILS(verify(text + "." + to_base64url(ec_pair().sign("DER", text))), Code::unauthorized);
}

TEST_CASE(rule_3_5_ensure_cryptographic_keys_have_sufficient_entropy) {
  CHECK_FAILS(mint_token(std::string(limits::kJwtSecretBytesMin - 1, 's'), {.user = "ada"}, kNowS), Code::invalid);
  CHECK_FAILS(parse_jwks("{\"keys\":[" + KeyPair::make_rsa(1024).jwk() + "]}"), Code::invalid);
  // A password is no key: a set cannot bring one in.
  CHECK_FAILS(parse_jwks(R"({"keys":[{"kty":"oct","kid":"p","alg":"HS256","k":"cGFzc3dvcmQ"}]})"), Code::invalid);
}

TEST_CASE(rule_3_6_avoid_compression_of_encryption_inputs) {
  // Nothing is decrypted here, so nothing is unpacked: five parts are no token, and `zip` has no meaning.
  CHECK_FAILS(verify(issued() + ".x.y"), Code::unauthorized);
  CHECK_FAILS(verify("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVGIn0..a.b.c"), Code::unauthorized);
  CHECK_FAILS(verify(issued("\x78\x9c\x03\x00", R"(,"zip":"DEF")")), Code::unauthorized);
}

TEST_CASE(rule_3_7_use_utf_8) {
  CHECK_EQ(CHECK_OK(verify(issued("{\"sub\":\"J\xc3\xb6rg\",\"exp\":1900000000}"))).user, "Jörg");
  CHECK_FAILS(verify(issued("{\"sub\":\"J\xf6rg\",\"exp\":1900000000}")), Code::unauthorized);
  CHECK_FAILS(verify(issued(R"({"sub":"\ud800","exp":1900000000})")), Code::unauthorized);
  CHECK_FAILS(verify(issued(std::string("{\0\"\0", 4))), Code::unauthorized);  // UTF-16
  CHECK_FAILS(verify(issued(std::string("\xef\xbb\xbf") + kClaims + "x")), Code::unauthorized);
}

TEST_CASE(rule_3_8_validate_issuer_and_subject) {
  const VerifierOptions options{.issuer = "https://id.example"};
  CHECK_OK(verify(issued(R"({"sub":"ada","exp":1900000000,"iss":"https://id.example"})"), options));
  for (const char* iss : {R"("https://id.example/")", R"("https://ID.example")", "\"\"", "null", "7",
                          R"(["https://id.example"])", R"("https://evil.example")"}) {
    CHECK_FAILS(verify(issued(R"({"sub":"ada","exp":1900000000,"iss":)" + std::string(iss) + "}"), options),
                Code::unauthorized);
    CHECK_FAILS(verify(token_with(R"({"sub":"ada","exp":1900000000,"iss":)" + std::string(iss) + "}"), options),
                Code::unauthorized);
  }
  CHECK_FAILS(verify(issued(), options), Code::unauthorized);
  CHECK_OK(verify(token_with(kClaims), options));  // ours: the secret says who made it
  for (const char* sub : {"\"\"", "null", "7", R"(["ada"])", R"("a\u0000b")"})
    CHECK_FAILS(verify(issued("{\"exp\":1900000000,\"sub\":" + std::string(sub) + "}")), Code::unauthorized);
  CHECK_FAILS(verify(issued(R"({"exp":1900000000})")), Code::unauthorized);
  // A subject that belongs to another issuer: the built-in accounts are ours.
  for (const char* sub : {"acct_1", "acct_", R"(acct\u005f1)"}) {
    const std::string claims = R"({"exp":1900000000,"sub":")" + std::string(sub) + "\"}";
    CHECK_FAILS(verify(issued(claims)), Code::unauthorized);
    CHECK_OK(verify(token_with(claims)));
  }
  CHECK_OK(verify(issued(R"({"exp":1900000000,"sub":"acct"})")));
}

TEST_CASE(rule_3_9_use_and_validate_audience) {
  CHECK_OK(verify(issued(R"({"sub":"ada","exp":1900000000,"aud":"authenticated"})")));
  for (const char* aud :
       {R"("another-app")", R"(["another-app","x"])", "\"\"", "[]", "null", R"({"0":"authenticated"})"})
    CHECK_FAILS(verify(issued(R"({"sub":"ada","exp":1900000000,"aud":)" + std::string(aud) + "}")), Code::unauthorized);
  CHECK_OK(verify(issued(R"({"sub":"ada","exp":1900000000,"aud":["x","bobbin"]})"), {.audience = "bobbin"}));
  CHECK_FAILS(verify(issued(R"({"sub":"ada","exp":1900000000,"aud":"authenticated"})"), {.audience = "bobbin"}),
              Code::unauthorized);
  // What `bobbin token` makes stays good whatever the issuer's audience is called.
  CHECK_OK(verify(CHECK_OK(mint_token(kSecret, {.user = "ada"}, kNowS)), {.audience = "bobbin"}));
  CHECK_FAILS(verify(token_with(R"({"sub":"ada","exp":1900000000,"aud":"other"})"), {.audience = "bobbin"}),
              Code::unauthorized);
}

TEST_CASE(rule_3_10_do_not_trust_received_claims) {
  // `kid` is compared with ids and nothing else: no path, no query, no pattern.
  for (const char* kid : {"../../dev/null", "' OR 1=1 --", "*", "ec*", "EC", "ec ", "ec\\u0000", "%65c", ""})
    CHECK_FAILS(verify(ec_pair().token("ES256", header_of("ES256", kid), kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(ec_pair().token("ES256", R"({"alg":"ES256","kid":["ec"]})", kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(ec_pair().token("ES256", R"({"alg":"ES256","kid":null})", kClaims)), Code::unauthorized);
  CHECK_FAILS(verify(ec_pair().token("ES256", R"({"alg":"ES256"})", kClaims)), Code::unauthorized);
  // Keys that the token brings along are never used, nor fetched.
  const KeyPair own = KeyPair::make_ec();
  for (const std::string& more :
       {",\"jwk\":" + own.jwk(), std::string(R"(,"jku":"http://127.0.0.1:1/keys")"),
        std::string(R"(,"x5u":"http://127.0.0.1:1/cert")"), ",\"x5c\":[\"" + to_base64url(own.public_der()) + "\"]"}) {
    CHECK_FAILS(verify(own.token("ES256", header_of("ES256", "ec", more), kClaims)), Code::unauthorized);
    CHECK_FAILS(verify(own.token("ES256", header_of("ES256", "own", more), kClaims)), Code::unauthorized);
    CHECK_OK(verify(issued(kClaims, more)));
  }
  // Roles are what we say, not what the issuer's users can write into their profile.
  const Identity identity = CHECK_OK(verify(issued(
      R"({"sub":"ada","exp":1900000000,"role":"service_role","bobbin_role":"admin","bobbin_scope":"replicate"})")));
  CHECK(!identity.admin);
  CHECK(!identity.replicate);
}

TEST_CASE(rule_3_11_use_explicit_typing) {
  for (const char* typ : {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"})
    CHECK_OK(verify(issued(kClaims, ",\"typ\":\"" + std::string(typ) + "\"")));
  for (const char* typ : {"\"logout+jwt\"", "\"dpop+jwt\"", "\"secevent+jwt\"", "\"id+jwt\"", "\"JWE\"", "\"at+jwt \"",
                          "\"\"", "null", "[\"JWT\"]", "\"JW\\u0054\\u0000\""}) {
    CHECK_FAILS(verify(issued(kClaims, ",\"typ\":" + std::string(typ))), Code::unauthorized);
  }
}

TEST_CASE(rule_3_12_use_mutually_exclusive_validation_rules_for_different_kinds_of_jwts) {
  // What the same issuer signs with the same key for another end fails at least one rule: its type, its audience (an ID
  // token names the client), its `exp` (a security event has none), its `crit`.
  CHECK_FAILS(verify(issued(R"({"sub":"ada","iat":1800000000,"events":{}})", R"(,"typ":"logout+jwt")")),
              Code::unauthorized);
  CHECK_FAILS(verify(issued(R"({"sub":"ada","exp":1900000000,"aud":"client-17","nonce":"n"})")), Code::unauthorized);
  CHECK_FAILS(verify(issued(R"({"sub":"ada","iat":1800000000})")), Code::unauthorized);
  for (const char* crit : {R"(["exp"])", R"(["b64"],"b64":false)", "[]", "null"})
    CHECK_FAILS(verify(issued(kClaims, ",\"crit\":" + std::string(crit))), Code::unauthorized);
}

TEST_CASE(names_that_come_twice_are_refused) {
  CHECK_FAILS(verify(issued(R"({"sub":"ada","sub":"eve","exp":1900000000})")), Code::unauthorized);
  CHECK_FAILS(verify(issued(kClaims, R"(,"kid":"ec")")), Code::unauthorized);
  CHECK_FAILS(verify(issued(kClaims, R"(,"\u006bid":"rsa")")), Code::unauthorized);
}

TEST_CASE(only_a_kid_that_nobody_has_asks_for_newer_keys) {
  const auto number = [](const std::string& token) {
    const Result<Identity> identity = verify(token);
    CHECK(!identity.has_value());
    return identity.error().number;
  };
  CHECK_EQ(number(ec_pair().token("ES256", header_of("ES256", "next"), kClaims)), kUnknownKey);
  CHECK_EQ(number(rsa_pair().token("RS256", header_of("RS256", "next"), kClaims)), kUnknownKey);
  CHECK_EQ(number(KeyPair::make_ec().token("ES256", header_of("ES256", "ec"), kClaims)), 0);
  CHECK_EQ(number(ec_pair().token("ES256", R"({"alg":"ES256"})", kClaims)), 0);
  CHECK_EQ(number(sign_parts(to_base64url(header_of("HS256", "next")), to_base64url("{}"))), 0);
  CHECK_EQ(number(signed_token(header_of("HS512", "next"), kClaims)), 0);
  CHECK_EQ(number(issued(R"({"sub":"ada","exp":1})")), 0);
  // Without an issuer there is nobody to ask.
  const Result<Identity> alone =
      TokenVerifier(kSecret).verify(ec_pair().token("ES256", header_of("ES256", "next"), kClaims), kNowS);
  CHECK_FAILS(alone, Code::unauthorized);
  CHECK_EQ(alone.error().number, 0);
}

}  // namespace
}  // namespace bobbin::auth
