#include "src/auth/key.h"

#include "src/auth/digest.h"

namespace bobbin::auth {

std::optional<Algorithm> find_algorithm(std::string_view name) noexcept {
  if (name == "HS256") return Algorithm::hs256;
  return std::nullopt;
}

bool verify_signature(const Key& key, std::string_view signed_text, std::string_view signature) {
  switch (key.algorithm) {
    case Algorithm::hs256: return equal_in_constant_time(as_text(hmac_sha256(key.material, signed_text)), signature);
  }
  return false;
}

}  // namespace bobbin::auth
