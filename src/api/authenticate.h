#pragma once

#include <string_view>

#include "src/api/exchange.h"

namespace bobbin::api {

// Who the request speaks for, by its `Authorization` header alone. `pattern` is the route's, for the log.
//
// Errors: unauthorized, with a literal detail that says which rule failed; counted and logged with the client's
// address.
Task<Result<auth::Identity>> authenticate(Services& services, const Exchange& exchange, std::string_view pattern);

}  // namespace bobbin::api
