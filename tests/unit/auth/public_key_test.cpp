// Proves that each kind of public key accepts signatures of other makers (the examples of RFC 7515 and RFC 8037,
// OpenSSL's signing side) in the one form that RFC 7518 allows, and nothing else; and which numbers are no key.

#include "src/auth/public_key.h"

#include <vector>
#include "src/auth/base64url.h"
#include "src/auth/jwks.h"

#include "tests/support/test.h"
#include "tests/unit/auth/key_pairs.h"

namespace bobbin::auth {
namespace {

std::string bytes(std::string_view text) { return *from_base64url(text); }

// RFC 7515, A.2 and A.3: the same payload.
constexpr char kRfcPayload[] =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr char kRsaModulus[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
    "pCgNMs"
    "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdV"
    "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr char kRsaSignature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
    "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
    "xi12jzDwusC-e"
    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr char kP256X[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr char kP256Y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr char kP256Signature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 8037, A.2 and A.4.
constexpr char kEd25519X[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr char kEd25519Text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr char kEd25519Signature[] =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

PublicKey public_key(const KeyPair& pair) {
  return CHECK_OK(parse_jwks("{\"keys\":[" + pair.jwk() + "]}"))[0].public_key;
}

struct Signer {
  const KeyPair& pair;
  Algorithm algorithm;
  const char* name;
};
std::vector<Signer> all_signers() {
  return {{rsa_pair(), Algorithm::rs256, "RS256"},
          {rsa_pair(), Algorithm::ps256, "PS256"},
          {ec_pair(), Algorithm::es256, "ES256"},
          {ed25519_pair(), Algorithm::eddsa, "EdDSA"}};
}

TEST_CASE(examples_of_the_standards_verify) {
  const PublicKey rsa = CHECK_OK(PublicKey::make_rsa(bytes(kRsaModulus), bytes("AQAB")));
  CHECK(rsa.verify(Algorithm::rs256, "eyJhbGciOiJSUzI1NiJ9." + std::string(kRfcPayload), bytes(kRsaSignature)));
  const PublicKey p256 = CHECK_OK(PublicKey::make_p256(bytes(kP256X), bytes(kP256Y)));
  CHECK(p256.verify(Algorithm::es256, "eyJhbGciOiJFUzI1NiJ9." + std::string(kRfcPayload), bytes(kP256Signature)));
  const PublicKey ed25519 = CHECK_OK(PublicKey::make_ed25519(bytes(kEd25519X)));
  CHECK(ed25519.verify(Algorithm::eddsa, kEd25519Text, bytes(kEd25519Signature)));
}

TEST_CASE(each_algorithm_takes_its_own_signatures_over_that_text_alone) {
  const std::vector<Signer> signers = all_signers();
  for (const Signer& made : signers) {
    const std::string signature = made.pair.sign(made.name, "text");
    for (const Signer& tried : signers) {
      const bool is_same = made.algorithm == tried.algorithm;
      CHECK_EQ(public_key(tried.pair).verify(tried.algorithm, "text", signature), is_same);
      CHECK(!public_key(tried.pair).verify(tried.algorithm, "texT", signature));
      CHECK_EQ(public_key(made.pair).verify(tried.algorithm, "text", signature), is_same);
    }
    CHECK(!public_key(made.pair).verify(Algorithm::hs256, "text", signature));
  }
}

TEST_CASE(any_other_bit_or_size_of_a_signature_is_refused) {
  const std::vector<Signer> signers = all_signers();
  for (const Signer& made : signers) {
    const PublicKey key = public_key(made.pair);
    const std::string good = made.pair.sign(made.name, "text");
    CHECK(key.verify(made.algorithm, "text", good));
    for (size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
      CHECK(!key.verify(made.algorithm, "text", bad));
    }
    CHECK(!key.verify(made.algorithm, "text", ""));
    CHECK(!key.verify(made.algorithm, "text", good.substr(1)));
    CHECK(!key.verify(made.algorithm, "text", good.substr(0, good.size() - 1)));
    CHECK(!key.verify(made.algorithm, "text", good + '\0'));
    CHECK(!key.verify(made.algorithm, "text", '\0' + good));
    CHECK(!key.verify(made.algorithm, "text", std::string(good.size(), '\0')));
    CHECK(!key.verify(made.algorithm, "text", std::string(good.size(), '\xff')));
  }
}

TEST_CASE(es256_takes_raw_numbers_and_no_der) {
  const PublicKey key = public_key(ec_pair());
  const std::string der = ec_pair().sign("DER", "text");
  CHECK(!key.verify(Algorithm::es256, "text", der));
  // r or s of zero, and r and s of the order or more (here 2^256 - 1), are no signature of anything.
  const std::string good = ec_pair().sign("ES256", "text");
  CHECK(!key.verify(Algorithm::es256, "text", good.substr(0, 32) + std::string(32, '\0')));
  CHECK(!key.verify(Algorithm::es256, "text", std::string(32, '\0') + good.substr(32)));
  CHECK(!key.verify(Algorithm::es256, "text", good.substr(0, 32) + std::string(32, '\xff')));
  CHECK(!key.verify(Algorithm::es256, "text", std::string(32, '\xff') + good.substr(32)));
}

TEST_CASE(ps256_has_a_salt_of_the_size_of_its_hash) {
  const PublicKey key = public_key(rsa_pair());
  CHECK(key.verify(Algorithm::ps256, "text", rsa_pair().sign_pss("text", 32)));
  for (const int salt_bytes : {0, 20, 31, 33, 64})
    CHECK(!key.verify(Algorithm::ps256, "text", rsa_pair().sign_pss("text", salt_bytes)));
}

TEST_CASE(numbers_that_are_no_key_are_refused) {
  const std::string modulus = bytes(kRsaModulus);
  CHECK_FAILS(PublicKey::make_rsa(modulus.substr(1), bytes("AQAB")), Code::invalid);  // 2040 bits
  CHECK_FAILS(PublicKey::make_rsa(modulus.substr(128), bytes("AQAB")), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa("\x7f" + modulus.substr(1), bytes("AQAB")), Code::invalid);  // 2047 bits
  CHECK_OK(PublicKey::make_rsa(std::string("\0", 1) + modulus, bytes("AQAB")));
  CHECK_FAILS(PublicKey::make_rsa(std::string(256, '\xfe'), bytes("AQAB")), Code::invalid);  // even
  CHECK_FAILS(PublicKey::make_rsa(std::string(1025, '\xff'), bytes("AQAB")), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa(std::string(100'000, '\xff'), bytes("AQAB")), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa(modulus, "\x01"), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa(modulus, std::string("\0", 1)), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa(modulus, "\x04"), Code::invalid);
  CHECK_FAILS(PublicKey::make_rsa(modulus, std::string(9, '\xff')), Code::invalid);
  CHECK_OK(PublicKey::make_rsa(modulus, "\x03"));

  const std::string x = bytes(kP256X);
  const std::string y = bytes(kP256Y);
  CHECK_FAILS(PublicKey::make_p256(y, x), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256(x, std::string(32, '\0')), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256(std::string(32, '\0'), std::string(32, '\0')), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256(std::string(32, '\xff'), y), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256(x.substr(1), y), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256('\0' + x, y), Code::invalid);
  CHECK_FAILS(PublicKey::make_p256(x, ""), Code::invalid);
  CHECK_FAILS(PublicKey::make_ed25519(bytes(kEd25519X).substr(1)), Code::invalid);
  CHECK_FAILS(PublicKey::make_ed25519(bytes(kEd25519X) + 'x'), Code::invalid);
  CHECK_FAILS(PublicKey::make_ed25519(""), Code::invalid);
}

TEST_CASE(no_key_verifies_nothing) {
  const PublicKey none;
  for (const Algorithm algorithm :
       {Algorithm::hs256, Algorithm::rs256, Algorithm::ps256, Algorithm::es256, Algorithm::eddsa}) {
    CHECK(!none.verify(algorithm, "", ""));
    CHECK(!none.verify(algorithm, "text", std::string(64, '\0')));
  }
}

}  // namespace
}  // namespace bobbin::auth
