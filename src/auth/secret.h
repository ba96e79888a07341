#pragma once

#include <string>
#include <string_view>

#include "src/base/result.h"

// The secret that HS256 tokens are signed with. Its bytes are used as they are, never decoded: that is how Supabase
// uses its JWT secret, so the same text works here.
namespace bobbin::auth {

inline constexpr char kSecretFileName[] = "jwt-secret";

// Errors: invalid when `secret` is shorter than kJwtSecretBytesMin.
Result<void> check_secret(std::string_view secret);

// The contents of `path` without one line end (LF or CRLF) at its end. Blocks on disk. A file that others than its
// owner can read is used, with a warning in the log. Errors: io (number is errno), invalid (shorter than
// kJwtSecretBytesMin, or longer than 4 KiB: not a secret).
Result<std::string> read_secret_file(const std::string& path);

// The secret of the data directory `directory`, which must exist: the file `jwt-secret`, made on the first call from 32
// random bytes as 64 hexadecimal digits, mode 0600. Blocks on disk; returns after the file and its directory are
// synced.
//
// The text is the key, so `--jwt-secret-file DIR/jwt-secret` gives the same one. The file appears whole under its name
// or not at all; of several processes that make it at once, one wins and all return its secret. Errors: as
// read_secret_file.
Result<std::string> load_or_create_secret(const std::string& directory);

}  // namespace bobbin::auth
