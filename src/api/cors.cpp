#include "src/api/cors.h"

#include <algorithm>

namespace bobbin::api {

void append_cors_headers(const std::vector<std::string>& origins, const http::RequestHead& request,
                         net::HeaderList& headers) {
  if (origins.empty()) return;
  headers.emplace_back("Vary", "Origin");
  const std::optional<std::string_view> origin = request.find_header("Origin");
  if (!origin || request.header_count("Origin") != 1) return;
  const bool any = origins.size() == 1 && origins[0] == "*";
  if (!any && std::find(origins.begin(), origins.end(), *origin) == origins.end()) return;
  headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(*origin));
  headers.emplace_back("Access-Control-Expose-Headers",
                       "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset");
}

net::Response options_response(std::string allow, const http::RequestHead& request) {
  net::Response response{.status = 204};
  if (request.find_header("Access-Control-Request-Method")) {
    response.headers.emplace_back("Access-Control-Allow-Methods", allow);
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Thread-Id");
    response.headers.emplace_back("Access-Control-Max-Age", "600");
  }
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

}  // namespace bobbin::api
