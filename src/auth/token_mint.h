#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/uuid.h"

namespace bobbin::auth {

struct MintRequest {
  std::string_view user;
  int64_t ttl_s = 3600;         // 1 .. kTokenTtlSecondsMax
  bool admin = false;           // `--role admin`
  bool replicate = false;       // `--scope replicate`
  bool password_reset = false;  // `--scope password`
  Uuid login;                   // of an account: the token ends with it; zero: none
};

// Ten years: a token that outlives its machine is a mistake.
inline constexpr int64_t kTokenTtlSecondsMax = 10LL * 366 * 24 * 3600;

// A token for `request`, signed with HS256 and valid from `now_s` on.
// Errors: invalid when the user id, the time to live or the secret's size is not allowed.
Result<std::string> mint_token(std::string_view secret, const MintRequest& request, int64_t now_s);

}  // namespace bobbin::auth
