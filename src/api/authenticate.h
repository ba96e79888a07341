#pragma once

#include <string_view>

#include "src/api/exchange.h"

namespace bobbin::api {

// Who may call a route.
enum class Access : uint8_t {
  open,      // anybody: no token is looked at
  read,      // a user, also by an API key of scope `read`
  chat,      // a user, also by an API key of scope `chat`
  person,    // a user in person: no API key
  password,  // the same, or who may set a new password and do nothing else
  admin,     // an admin in person
};

// Errors: forbidden.
Result<void> check_access(Access access, const auth::Identity& identity);

// Who the request speaks for, by its `Authorization` header alone. `pattern` is the route's, for the log.
//
// Errors: unauthorized, with a literal detail that says which rule failed; counted and logged with the client's
// address.
Task<Result<auth::Identity>> authenticate(Services& services, const Exchange& exchange, std::string_view pattern);

}  // namespace bobbin::api
