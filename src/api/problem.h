#pragma once

#include <cstdint>
#include <string>

#include "src/base/result.h"
#include "src/net/responder.h"

namespace bobbin::api {

// The HTTP status that `code` stands for; 500 for what no client can cause.
[[nodiscard]] uint16_t status_of(Code code) noexcept;

// `error` as application/problem+json (RFC 9457): type, title, status, detail, code; with Retry-After where a retry
// helps and WWW-Authenticate with 401.
[[nodiscard]] net::Response problem(const Error& error);

}  // namespace bobbin::api
