#pragma once

#include <span>
#include <string_view>

#include "src/base/result.h"

namespace bobbin::auth {

// The token of the request's `Authorization` header, given the values of all headers of that name as they were sent,
// without the white space around them. The view points into the value.
//
// Exactly one header: `Bearer` in any case, one space, a token of RFC 6750's characters (letters, digits, `-._~+/` and
// `=` at the end). Errors: unauthorized for everything else.
Result<std::string_view> bearer_token(std::span<const std::string_view> values);

}  // namespace bobbin::auth
