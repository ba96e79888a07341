#pragma once

#include "src/api/exchange.h"
#include "src/net/responder.h"

namespace bobbin::api {

// Adds what lets a page of another origin read the answer, when its origin is in `origins` (or `*` is). Credentials are
// never allowed: tokens travel in a header.
void append_cors_headers(const std::vector<std::string>& origins, const http::RequestHead& request,
                         net::HeaderList& headers);

// Errors: invalid, unless each is an origin as browsers write it (`https://host`, `http://host:8080`; lower case, no
// path, no port that is the scheme's own), or `*` stands alone. `null` is none: every sandboxed frame and local file
// has it.
Result<void> check_origins(const std::vector<std::string>& origins);

// The answer to OPTIONS for a path whose methods are `allow`.
[[nodiscard]] net::Response options_response(std::string allow, const http::RequestHead& request);

}  // namespace bobbin::api
