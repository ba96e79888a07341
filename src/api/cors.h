#pragma once

#include "src/api/exchange.h"
#include "src/net/responder.h"

namespace bobbin::api {

// Adds what lets a page of another origin read the answer, when its origin is in `origins` (or `*` is). Credentials are
// never allowed: tokens travel in a header.
void append_cors_headers(const std::vector<std::string>& origins, const http::RequestHead& request,
                         net::HeaderList& headers);

// The answer to OPTIONS for a path whose methods are `allow`.
[[nodiscard]] net::Response options_response(std::string allow, const http::RequestHead& request);

}  // namespace bobbin::api
