#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

// Key pairs and signatures for tests, made with OpenSSL's signing side, which the server has no use for.
namespace bobbin::auth {

class KeyPair {
 public:
  static KeyPair make_rsa(int bits = 2048);
  static KeyPair make_ec(const char* curve = "P-256");
  static KeyPair make_ed25519();

  // The public key's members as they stand in a JWK, without the braces: `"kty":"RSA","n":"…","e":"AQAB"`.
  [[nodiscard]] std::string members() const;
  // A JWK of those and `more` (as `,"kid":"k1"`).
  [[nodiscard]] std::string jwk(std::string_view more = "") const { return "{" + members() + std::string(more) + "}"; }
  // The private part, base64url; of EC and Ed25519 keys.
  [[nodiscard]] std::string private_member() const;
  // What attackers take for an HMAC secret.
  [[nodiscard]] std::string public_pem() const;
  [[nodiscard]] std::string public_der() const;

  // A signature as RFC 7518 and RFC 8037 want it.
  [[nodiscard]] std::string sign(std::string_view algorithm, std::string_view text) const;
  // A PS256 signature with a salt of `salt_bytes`.
  [[nodiscard]] std::string sign_pss(std::string_view text, int salt_bytes) const;
  // `header` and `claims` as they are, signed with `algorithm`.
  [[nodiscard]] std::string token(std::string_view algorithm, std::string_view header, std::string_view claims) const;

 private:
  explicit KeyPair(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;
};

// One of each for the whole program: making an RSA key takes a while.
const KeyPair& rsa_pair();
const KeyPair& ec_pair();
const KeyPair& ed25519_pair();

}  // namespace bobbin::auth
