#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bobbin::auth {

// A signature algorithm of RFC 7518 or RFC 8037. It belongs to the key: a token names one only to find the keys that
// use it, so a token can never choose how a key is used (RFC 8725 §3.1).
enum class Algorithm : uint8_t { hs256, rs256, ps256, es256, eddsa };

// By its exact registered name; `EdDSA` and `Ed25519` (RFC 9864) are the same here, where Ed25519 is the only curve.
// nullopt for every other name, `none` and other cases of letters included.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;

}  // namespace bobbin::auth
