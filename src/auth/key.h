#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/auth/algorithm.h"
#include "src/auth/public_key.h"

namespace bobbin::auth {

// What signatures are checked with.
struct Key {
  Algorithm algorithm;
  // `kid`. A key with an empty id is tried for every token of its algorithm.
  std::string id;
  // Ours, not somebody else's: only such keys may grant roles and speak for built-in accounts.
  bool local;
  // hs256: the secret itself, kJwtSecretBytesMin bytes or more. Empty for the others.
  std::string material;
  // All but hs256.
  PublicKey public_key{};
};
using KeySet = std::vector<Key>;

// Whether `key` made `signature` over `signed_text`. Thread-safe.
[[nodiscard]] bool verify_signature(const Key& key, std::string_view signed_text, std::string_view signature);

}  // namespace bobbin::auth
