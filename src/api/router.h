#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto_http/request_parser.h"
#include "src/api/authenticate.h"

namespace bobbin::api {

struct Route {
  http::Method method;
  std::string_view pattern;  // `/chat/sessions/{id}/queue`: a segment in braces matches any one non-empty segment
  Access access;
  Handler handler;
};

// Every route of the server; tests and documentation are checked against it.
std::span<const Route> routes() noexcept;

struct RouteMatch {
  const Route* route = nullptr;       // null: see `allow`
  std::vector<std::string> captured;  // one for each {…}
  std::string allow;                  // methods of the path for `Allow`; empty: no such path
};

// Finds the route for `method` (HEAD is served by GET) and the decoded path segments. Captured segments are UTF-8, else
// nothing matches.
RouteMatch match_route(http::Method method, std::span<const std::string> segments);

}  // namespace bobbin::api
