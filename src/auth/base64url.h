#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bobbin::auth {

// Appends `bytes` in the URL-safe alphabet of RFC 4648 §5, without padding.
void append_base64url(std::string& out, std::string_view bytes);
[[nodiscard]] std::string to_base64url(std::string_view bytes);

// The bytes that `text` stands for. Each byte string has exactly one accepted text: nullopt for padding, white space,
// the letters `+` and `/`, a length of 4n + 1, and bits left over at the end that are not zero.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

// `bytes` of the kernel's randomness as base64url: a secret for somebody to keep.
[[nodiscard]] std::string random_secret(size_t bytes);

}  // namespace bobbin::auth
