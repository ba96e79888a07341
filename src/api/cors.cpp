#include "src/api/cors.h"

#include <algorithm>

namespace bobbin::api {
namespace {

// What clients act on beyond the fields that every page may read.
constexpr char kExposed[] =
    "ETag, RateLimit, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "WWW-Authenticate";

constexpr std::string_view kLowerCase = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool consists_of(std::string_view text, std::string_view some, std::string_view more) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return some.find(c) != text.npos || more.find(c) != text.npos; });
}

bool is_origin(std::string_view text) noexcept {
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!consists_of(scheme, kLowerCase, "0123456789+-.")) return false;
  std::string_view host = text.substr(colon + 3);
  const size_t port_at = host.rfind(':');
  if (port_at != std::string_view::npos && !host.ends_with(']')) {
    const std::string_view port = host.substr(port_at + 1);
    host = host.substr(0, port_at);
    const bool is_usual = (scheme == "https" && port == "443") || (scheme == "http" && port == "80");
    if (port.empty() || port.size() > 5 || !consists_of(port, kDigits, "") || is_usual) return false;
  }
  if (host.starts_with('[') && host.ends_with(']')) return consists_of(host, "[]:.abcdef", kDigits);
  return !host.empty() && consists_of(host, kLowerCase, "0123456789-._");
}

}  // namespace

void append_cors_headers(const std::vector<std::string>& origins, const http::RequestHead& request,
                         net::HeaderList& headers) {
  if (origins.empty()) return;
  headers.emplace_back("Vary", "Origin");
  const std::optional<std::string_view> origin = request.find_header("Origin");
  if (!origin || request.header_count("Origin") != 1) return;
  const bool any = origins.size() == 1 && origins[0] == "*";
  if (!any && std::find(origins.begin(), origins.end(), *origin) == origins.end()) return;
  headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(*origin));
  headers.emplace_back("Access-Control-Expose-Headers", kExposed);
}

Result<void> check_origins(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (origin == "*" && origins.size() == 1) continue;
    if (origin == "*") return fail(Code::invalid, 0, "`*` stands alone");
    if (!is_origin(origin))
      return fail(Code::invalid, 0,
                  "an origin is written as browsers do: https://host or https://host:port, lower case, without a slash "
                  "at the end");
  }
  return {};
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
