#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/base/result.h"

// Passwords, by argon2id (RFC 9106). Each call blocks for tens of milliseconds and takes kPasswordMemoryKiB: on a
// thread for such work, never on a loop.
namespace bobbin::auth {

// Eight characters as NIST SP 800-63B §5.1.1.2 asks at least; the most is there so that nobody sends us a megabyte to
// hash.
inline constexpr size_t kPasswordBytesMin = 8;
inline constexpr size_t kPasswordBytesMax = 1024;
// The parameters of OWASP's password storage cheat sheet with the least time for that memory.
inline constexpr unsigned kPasswordMemoryKiB = 19 * 1024;
inline constexpr unsigned kPasswordPasses = 2;

// Errors: invalid (too short or too long; `password` is UTF-8).
Result<void> check_password(std::string_view password);

// The PHC string of `password` with a salt of its own, about 100 bytes. Errors: overloaded (no memory).
Result<std::string> hash_password(std::string_view password);

// Whether `hash` is of `password`. A hash that cannot be read is of none. Errors: overloaded (no memory).
Result<bool> verify_password(std::string_view password, const std::string& hash);

// Of nothing that anybody knows: to be verified against where there is no account, so that the answer takes as long.
inline constexpr std::string_view kDecoyPasswordHash =
    "$argon2id$v=19$m=19456,t=2,p=1$Ym9iYmluLWRlY295LXNhbA$MmY2ZTBkN2E5YjRjMWU4ZjNhNWQ2YjdjOGU5ZjBhMWI";

}  // namespace bobbin::auth
