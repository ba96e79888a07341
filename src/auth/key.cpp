#include "src/auth/key.h"

#include "src/auth/digest.h"

namespace bobbin::auth {

std::optional<Algorithm> find_algorithm(std::string_view name) noexcept {
  if (name == "HS256") return Algorithm::hs256;
  if (name == "RS256") return Algorithm::rs256;
  if (name == "PS256") return Algorithm::ps256;
  if (name == "ES256") return Algorithm::es256;
  if (name == "EdDSA" || name == "Ed25519") return Algorithm::eddsa;
  return std::nullopt;
}

bool verify_signature(const Key& key, std::string_view signed_text, std::string_view signature) {
  if (key.algorithm == Algorithm::hs256)
    return equal_in_constant_time(as_text(hmac_sha256(key.material, signed_text)), signature);
  return key.public_key.verify(key.algorithm, signed_text, signature);
}

}  // namespace bobbin::auth
