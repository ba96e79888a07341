#pragma once

#include <string_view>

#include "src/net/responder.h"

namespace bobbin::net {

// An error answer of type application/problem+json (RFC 9457): type, title, status, `detail`, and the stable word
// `code`. `detail` is UTF-8, fit for the client's eyes.
Response make_problem(int status, std::string_view code, std::string_view detail);

}  // namespace bobbin::net
