#include "src/auth/jwt.h"

#include "src/base/limits.h"
#include "tests/support/test.h"
#include "tests/unit/auth/token_cases.h"

// What a token must be to name a user. The bad ones are the attacks of RFC 8725 and what a lenient JSON or base64
// reader lets through; nearly all of them carry a good signature, so that the rule itself is what refuses them.
namespace bobbin::auth {
namespace {

Result<Identity> verify(std::string_view token, int64_t now_s = kNowS) {
  static const TokenVerifier verifier(kSecret);
  return verifier.verify(token, now_s);
}

// Made by `openssl dgst -sha256 -hmac` and `openssl base64`, in the shape of a Supabase access token, good until
// 1900000000.
constexpr char kForeignToken[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJhdWQiOiJhdXRoZW50aWNhdGVkIiwiZXhwIjoxOTAwMDAwMDAwLCJpYXQiOjE3MDAwMDAwMDAsImlzcyI6Imh0dHBzOi8vcmVmLnN1cGFiYXNlLm"
    "Nv"
    "L2F1dGgvdjEiLCJzdWIiOiIzZjFjOGU5YS01ZDBiLTRjOGUtOWE1MS0wMDAwMDAwMDAwMDEiLCJlbWFpbCI6ImFAYi5leGFtcGxlIiwicm9sZSI6Im"
    "F1"
    "dGhlbnRpY2F0ZWQiLCJhcHBfbWV0YWRhdGEiOnsicHJvdmlkZXIiOiJlbWFpbCJ9fQ."
    "QYye7sQknY9BHE1zMgxRnFwlZPIHWBgUmSkFRcloItY";

TEST_CASE(token_made_elsewhere_names_its_user) {
  const Identity identity = CHECK_OK(verify(kForeignToken));
  CHECK_EQ(identity.user, "3f1c8e9a-5d0b-4c8e-9a51-000000000001");
  CHECK_EQ(identity.expires_us, 1'900'000'000'000'000);
  CHECK(!identity.admin);
  CHECK(!identity.replicate);
}

TEST_CASE(changing_any_byte_to_anything_voids_the_token) {
  const std::string good = kForeignToken;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char c : {'A', 'B', '-', '.', '=', '\0', '\xff', ' '}) {
      if (good[at] == c) continue;
      std::string bad = good;
      bad[at] = c;
      CHECK_FAILS(verify(bad), Code::unauthorized);
    }
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      CHECK_FAILS(verify(bad), Code::unauthorized);
    }
    CHECK_FAILS(verify(std::string_view(good).substr(0, at)), Code::unauthorized);
    CHECK_FAILS(verify(std::string_view(good).substr(at + 1)), Code::unauthorized);
  }
}

TEST_CASE(only_three_canonical_parts_are_a_token) {
  const std::string good = kForeignToken;
  for (const std::string& bad :
       {good + ".", good + ".x", "." + good, good + "=", good + "\n", " " + good, good + good, std::string(),
        std::string("."), std::string(".."), std::string("..."), std::string("a.b")}) {
    CHECK_FAILS(verify(bad), Code::unauthorized);
  }
  // Padding and the other alphabet, signed as they stand.
  CHECK_FAILS(verify(sign_parts(to_base64url(kHeader) + "=", to_base64url(R"({"sub":"a","exp":1900000000})"))),
              Code::unauthorized);
  CHECK_FAILS(verify(sign_parts(to_base64url(kHeader), to_base64url(R"({"sub":"a","exp":1900000000})") + "==")),
              Code::unauthorized);
}

TEST_CASE(algorithm_is_exactly_that_of_the_key) {
  constexpr char kClaims[] = R"({"sub":"a","exp":1900000000})";
  CHECK_OK(verify(signed_token(R"({"alg":"HS256"})", kClaims)));
  for (const std::string_view alg :
       {"none", "None", "NONE", "nOnE", "HS384", "HS512", "hs256", "RS256", "ES256", "EdDSA", "", "HS256 "}) {
    CHECK_FAILS(verify(signed_token("{\"alg\":\"" + std::string(alg) + "\"}", kClaims)), Code::unauthorized);
    // And unsigned, as `none` would have it.
    const std::string unsigned_text =
        to_base64url("{\"alg\":\"" + std::string(alg) + "\"}") + "." + to_base64url(kClaims);
    CHECK_FAILS(verify(unsigned_text + "."), Code::unauthorized);
    CHECK_FAILS(verify(unsigned_text), Code::unauthorized);
  }
}

TEST_CASE(header_is_a_strict_object_without_extensions) {
  constexpr char kClaims[] = R"({"sub":"a","exp":1900000000})";
  const std::string_view good[] = {R"({"alg":"HS256","typ":"jwt"})", R"({"alg":"HS256","kid":"any"})",
                                   R"( { "alg" : "HS256" } )",
                                   R"({"alg":"HS256","jku":"https://evil.example/keys","x5u":"https://evil.example"})",
                                   R"({"alg":"HS256","jwk":{"kty":"oct","k":"AA"}})"};
  for (const std::string_view header : good) CHECK_OK(verify(signed_token(header, kClaims)));
  const std::string_view bad[] = {"",
                                  "{}",
                                  "null",
                                  "[]",
                                  R"(["HS256"])",
                                  R"("HS256")",
                                  R"({"alg":null})",
                                  R"({"alg":["HS256"]})",
                                  R"({"alg":256})",
                                  R"({"ALG":"HS256"})",
                                  R"({"alg":"HS256","alg":"none"})",
                                  R"({"alg":"none","alg":"HS256"})",
                                  R"({"alg":"HS256","\u0061lg":"HS256"})",
                                  R"({"alg":"HS256","x":1,"x":1})",
                                  R"({"alg":"HS256","typ":"dpop+jwt"})",
                                  R"({"alg":"HS256","typ":null})",
                                  R"({"alg":"HS256","crit":["exp"],"exp":1})",
                                  R"({"alg":"HS256","crit":null})",
                                  R"({"alg":"HS256","b64":false,"crit":["b64"]})",
                                  R"({"alg":"HS256",})",
                                  R"({"alg":"HS256"}x)",
                                  R"({"alg":"HS256"}{})",
                                  R"({'alg':'HS256'})",
                                  "{\"alg\":\"HS256\",\"x\":\"\xff\"}"};
  for (const std::string_view header : bad) CHECK_FAILS(verify(signed_token(header, kClaims)), Code::unauthorized);
}

TEST_CASE(claims_are_a_strict_object_without_repeated_names) {
  const std::string_view bad[] = {
      "",
      "{}",
      "[]",
      "null",
      R"({"sub":"a","exp":1900000000)",
      R"({"sub":"a","exp":1900000000,})",
      R"({"sub":"a","exp":1900000000}})",
      R"({"sub":"a","exp":1900000000,"x":tru})",
      R"({"sub":"a","exp":01900000000})",
      R"({"sub":"a","sub":"b","exp":1900000000})",
      R"({"sub":"a","s\u0075b":"b","exp":1900000000})",
      R"({"sub":"a","exp":1,"exp":1900000000})",
      R"({"sub":"a","exp":1900000000,"bobbin_role":"admin","bobbin_role":"user"})",
      R"({"sub":"a","exp":1900000000,"whatever":1,"whatever":2})",
      "{\"sub\":\"a\",\"exp\":1900000000,\"x\":\"\xc3\"}",
      "{\"sub\":\"a\",\"exp\":1900000000,\"x\":\"\n\"}",
  };
  for (const std::string_view claims : bad) CHECK_FAILS(verify(token_with(claims)), Code::unauthorized);
  const std::string deep =
      R"({"sub":"a","exp":1900000000,"x":)" + std::string(2000, '[') + std::string(2000, ']') + "}";
  CHECK_FAILS(verify(token_with(deep)), Code::unauthorized);
}

TEST_CASE(subject_is_1_to_128_bytes_of_text) {
  const auto verify_subject = [](std::string_view sub_json) {
    return verify(token_with("{\"exp\":1900000000,\"sub\":" + std::string(sub_json) + "}"));
  };
  CHECK_EQ(CHECK_OK(verify_subject("\"x\"")).user, "x");
  CHECK_EQ(CHECK_OK(verify_subject("\"J\\u00f6rg \xf0\x9f\xa7\xb5|/\"")).user, "Jörg 🧵|/");
  CHECK_EQ(CHECK_OK(verify_subject('"' + std::string(128, 'u') + '"')).user.size(), 128u);
  CHECK_FAILS(verify_subject('"' + std::string(129, 'u') + '"'), Code::unauthorized);
  for (const std::string_view bad : {R"("")", "null", "1", "[]", R"(["a"])", "true", R"("a\u0000b")", R"("\u0000")",
                                     R"("a\nb")", R"("\u007f")", R"("\u0085")", R"("\ud800")", R"("\udc00x")"}) {
    CHECK_FAILS(verify_subject(bad), Code::unauthorized);
  }
  CHECK_FAILS(verify(token_with(R"({"exp":1900000000})")), Code::unauthorized);
}

TEST_CASE(token_ends_at_its_exp) {
  const std::string token = token_with(R"({"sub":"a","exp":1800000010})");
  CHECK_OK(verify(token, 1'800'000'009));
  CHECK_FAILS(verify(token, 1'800'000'010), Code::unauthorized);
  CHECK_FAILS(verify(token, 1'800'000'011), Code::unauthorized);
}

TEST_CASE(exp_is_a_number_of_seconds_in_any_notation) {
  const auto verify_exp = [](std::string_view exp) {
    return verify(token_with("{\"sub\":\"a\",\"exp\":" + std::string(exp) + "}"));
  };
  CHECK_EQ(CHECK_OK(verify_exp("1800000000.5")).expires_us, 1'800'000'000'500'000);
  CHECK_EQ(CHECK_OK(verify_exp("1.9e9")).expires_us, 1'900'000'000'000'000);
  CHECK_EQ(CHECK_OK(verify_exp("253402300799")).expires_us, 253'402'300'799'000'000);
  for (const std::string_view bad :
       {"0", "-1", "-0.5", "1799999999.9", "1e300", "1e18", "253402300800", "9223372036854775807",
        "18446744073709551615", "99999999999999999999999", "-9223372036854775808", "null", "true", "\"1900000000\"",
        "[1900000000]", "{}", "NaN", "Infinity", "1e999"}) {
    CHECK_FAILS(verify_exp(bad), Code::unauthorized);
  }
  CHECK_FAILS(verify(token_with(R"({"sub":"a"})")), Code::unauthorized);
}

TEST_CASE(nbf_may_be_5_seconds_ahead) {
  const auto verify_nbf = [](std::string_view nbf) {
    return verify(token_with("{\"sub\":\"a\",\"exp\":1900000000,\"nbf\":" + std::string(nbf) + "}"));
  };
  CHECK_OK(verify_nbf("0"));
  CHECK_OK(verify_nbf("1800000000"));
  CHECK_OK(verify_nbf("1800000005"));
  CHECK_FAILS(verify_nbf("1800000005.1"), Code::unauthorized);
  CHECK_FAILS(verify_nbf("1800000006"), Code::unauthorized);
  CHECK_FAILS(verify_nbf("\"0\""), Code::unauthorized);
  CHECK_FAILS(verify_nbf("null"), Code::unauthorized);
  CHECK_FAILS(verify_nbf("1e300"), Code::unauthorized);
}

TEST_CASE(audience_is_absent_ours_or_among_several) {
  const auto verify_aud = [](std::string_view aud) {
    return verify(token_with("{\"sub\":\"a\",\"exp\":1900000000,\"aud\":" + std::string(aud) + "}"));
  };
  CHECK_OK(verify_aud(R"("authenticated")"));
  CHECK_OK(verify_aud(R"(["other","authenticated"])"));
  for (const std::string_view bad : {R"("")", R"("anon")", R"("Authenticated")", "[]", R"(["anon"])", "null", "1", "{}",
                                     R"(["authenticated",1])", R"([["authenticated"]])"}) {
    CHECK_FAILS(verify_aud(bad), Code::unauthorized);
  }
}

TEST_CASE(issuer_counts_where_one_is_configured) {
  const TokenVerifier verifier(kSecret, {.issuer = "https://ref.supabase.co/auth/v1"});
  CHECK_OK(verifier.verify(kForeignToken, kNowS));
  CHECK_OK(verifier.verify(token_with(R"({"sub":"a","exp":1900000000})"), kNowS));  // ours need not say so
  CHECK_FAILS(verifier.verify(token_with(R"({"sub":"a","exp":1900000000,"iss":null})"), kNowS), Code::unauthorized);
  CHECK_FAILS(verifier.verify(token_with(R"({"sub":"a","exp":1900000000,"iss":"https://ref.supabase.co"})"), kNowS),
              Code::unauthorized);
}

TEST_CASE(roles_come_only_from_keys_of_our_own) {
  const std::string token =
      token_with(R"({"sub":"a","exp":1900000000,"bobbin_role":"admin","bobbin_scope":"replicate"})");
  const Identity ours = CHECK_OK(verify(token));
  CHECK(ours.admin);
  CHECK(ours.replicate);

  std::vector<Key> keys;
  keys.push_back({.algorithm = Algorithm::hs256, .id = "", .local = false, .material = kSecret});
  const Identity foreign = CHECK_OK(TokenVerifier(std::move(keys), {}).verify(token, kNowS));
  CHECK(!foreign.admin);
  CHECK(!foreign.replicate);

  const Identity supabase =
      CHECK_OK(verify(token_with(R"({"sub":"a","exp":1900000000,"role":"admin","bobbin_role":"Admin"})")));
  CHECK(!supabase.admin);
  CHECK(!supabase.replicate);
}

TEST_CASE(a_scope_of_ours_that_is_not_known_takes_all_rights) {
  for (const char* scope : {R"(["replicate"])", R"("readonly")", R"("")", "null", "{}"}) {
    const std::string token = token_with(std::string(R"({"sub":"a","exp":1900000000,"bobbin_scope":)") + scope + "}");
    CHECK_FAILS(verify(token), Code::unauthorized);
  }
  CHECK(CHECK_OK(verify(token_with(R"({"sub":"a","exp":1900000000,"bobbin_scope":"password"})"))).password_reset);
}

TEST_CASE(key_with_an_id_serves_only_tokens_that_name_it) {
  std::vector<Key> keys;
  keys.push_back({.algorithm = Algorithm::hs256, .id = "k1", .local = false, .material = std::string(32, 'x')});
  keys.push_back({.algorithm = Algorithm::hs256, .id = "k2", .local = false, .material = kSecret});
  const TokenVerifier verifier(std::move(keys), {});
  constexpr char kClaims[] = R"({"sub":"a","exp":1900000000})";
  CHECK_OK(verifier.verify(signed_token(R"({"alg":"HS256","kid":"k2"})", kClaims), kNowS));
  CHECK_FAILS(verifier.verify(signed_token(R"({"alg":"HS256","kid":"k1"})", kClaims), kNowS), Code::unauthorized);
  CHECK_FAILS(verifier.verify(signed_token(R"({"alg":"HS256"})", kClaims), kNowS), Code::unauthorized);
}

TEST_CASE(size_is_bounded) {
  const auto padded = [](size_t bytes) {
    return token_with(R"({"sub":"a","exp":1900000000,"x":")" + std::string(bytes, 'x') + "\"}");
  };
  size_t bytes = 6'000;
  while (padded(bytes + 1).size() <= limits::kJwtBytesMax) ++bytes;
  CHECK_OK(verify(padded(bytes)));
  CHECK_FAILS(verify(padded(bytes + 1)), Code::unauthorized);
}

TEST_CASE(no_prefix_or_chopped_part_of_any_token_crashes) {
  const std::string tokens[] = {kForeignToken, token_with("{}"), sign_parts("", ""), sign_parts("e30", "")};
  for (const std::string& token : tokens) {
    for (size_t from = 0; from < token.size(); from += 7) {
      for (size_t count = 0; count < 60; ++count) CHECK(!verify(std::string(token, from + 1, count)).has_value());
    }
  }
}

}  // namespace
}  // namespace bobbin::auth
