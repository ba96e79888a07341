#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "src/auth/algorithm.h"
#include "src/base/result.h"

struct evp_pkey_st;

namespace bobbin::auth {

// A public key that signatures are checked with, over OpenSSL's EVP interface. Immutable and cheap to copy; any thread.
//
// Numbers are big-endian bytes, as a JWK has them behind its base64url (RFC 7518 §6). Every make_ call refuses with
// Code::invalid and a detail that ends the sentence "the key is skipped: …".
class PublicKey {
 public:
  // No key: it verifies nothing.
  PublicKey() = default;

  // RSA with a modulus of kRsaBitsMin to kRsaBitsMax bits and an odd exponent of 3 or more in 8 bytes.
  static Result<PublicKey> make_rsa(std::string_view modulus, std::string_view exponent);
  // A point of the curve P-256; both coordinates of exactly 32 bytes.
  static Result<PublicKey> make_p256(std::string_view x, std::string_view y);
  // Ed25519: exactly 32 bytes.
  static Result<PublicKey> make_ed25519(std::string_view x);

  // Whether this key made `signature` over `text`. False for an algorithm of another kind of key, and for a signature
  // that is not in the one form of RFC 7518: as long as the modulus for RSA, r and s of 32 bytes each for ES256, 64
  // bytes for Ed25519. PS256 has a salt of 32 bytes.
  [[nodiscard]] bool verify(Algorithm algorithm, std::string_view text, std::string_view signature) const;

 private:
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) noexcept : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

// RFC 7518 §3.3. The upper bound is what keeps a check below a millisecond.
inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 8192;

}  // namespace bobbin::auth
