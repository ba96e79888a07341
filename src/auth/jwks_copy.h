#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"

// The last good key set of a JWKS URL, kept in the data directory, so that a restart while the issuer is down signs
// nobody out. These calls block on disk.
namespace bobbin::auth {

inline constexpr char kJwksCopyFileName[] = "jwks.json";

// The key set that was last saved from `url`, as it came. Errors: not_found (there is none, or it is another URL's: an
// issuer that is not used any more must not speak for anybody), malformed, too_large, io.
Result<std::string> load_jwks_copy(const std::string& directory, std::string_view url);

// Keeps `jwks` (UTF-8) as that of `url`, in the place of what was kept. Errors: io.
Result<void> save_jwks_copy(const std::string& directory, std::string_view url, std::string_view jwks);

}  // namespace bobbin::auth
