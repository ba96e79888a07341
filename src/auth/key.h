#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bobbin::auth {

// A signature algorithm of RFC 7518. It belongs to the key: a token names one only to find the keys that use it, so a
// token can never choose how a key is used (RFC 8725 §3.1).
enum class Algorithm : uint8_t { hs256 };

// By its exact registered name (`HS256`); nullopt for every other, `none` and other cases included.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;

// What signatures are checked with.
struct Key {
  Algorithm algorithm;
  // `kid`. A key with an empty id is tried for every token of its algorithm.
  std::string id;
  // Ours, not somebody else's: only such keys may grant roles.
  bool local;
  // hs256: the secret itself, kJwtSecretBytesMin bytes or more.
  std::string material;
};

[[nodiscard]] bool verify_signature(const Key& key, std::string_view signed_text, std::string_view signature);

}  // namespace bobbin::auth
