#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/uuid.h"

namespace bobbin::auth {

// What a refresh token says. Nothing of it is kept but the generation that is good now, so the store cannot give a
// token away; and the same generation is always the same token, so two tabs that refresh at once get the same one.
struct RefreshToken {
  std::string account;
  Uuid login;
  uint64_t generation = 0;

  friend bool operator==(const RefreshToken&, const RefreshToken&) = default;
};

// `bobr_`, base64url of what it says, a dot, base64url of its HMAC under a key that follows from the server's secret.
// Characters of a cookie and of a header.
[[nodiscard]] std::string make_refresh_token(std::string_view secret, const RefreshToken& token);

// nullopt: not one of ours.
[[nodiscard]] std::optional<RefreshToken> parse_refresh_token(std::string_view secret, std::string_view text);

}  // namespace bobbin::auth
