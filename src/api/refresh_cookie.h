#pragma once

#include <string>
#include <string_view>

#include "src/api/exchange.h"

// The refresh token where a browser keeps it: in a cookie that no script can read and no other site can make it send.
namespace bobbin::api {

// Whether it is a page of this server that makes the browser ask, or no browser. Before a cookie is read or set.
// Errors: forbidden.
Result<void> check_own_page(const Exchange& exchange);

// Errors: unauthorized (there is none, or there are several: somebody else has planted one); forbidden (a page of
// another origin has made the browser send it).
Result<std::string> read_refresh_cookie(const Exchange& exchange);

// The values of Set-Cookie: to keep `token`, to forget whatever there is.
[[nodiscard]] std::string make_refresh_cookie(std::string_view token, bool is_https);
[[nodiscard]] std::string forget_refresh_cookie(bool is_https);

}  // namespace bobbin::api
