#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// The three primitives of this folder, over OpenSSL's EVP interface. Thread-safe. They abort when OpenSSL cannot give
// SHA-256 or memory at all: there is no answer that would be right then.
namespace bobbin::auth {

using Sha256 = std::array<uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes);
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

// Whether both have the same bytes. Takes the same time wherever they differ; sizes are no secret.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

inline std::string_view as_text(const Sha256& digest) noexcept {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace bobbin::auth
