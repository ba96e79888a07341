#include "src/api/refresh_cookie.h"

#include "src/auth/accounts.h"

namespace bobbin::api {
namespace {

constexpr std::string_view kName = "bobbin_refresh";

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string cookie(std::string_view value, int64_t max_age_s, bool is_https) {
  std::string text(kName);
  text.append("=").append(value).append("; Path=/auth; HttpOnly; SameSite=Strict; Max-Age=");
  text.append(std::to_string(max_age_s));
  if (is_https) text.append("; Secure");
  return text;
}

}  // namespace

// SameSite stops other sites, but to a browser every port of this machine is the same site. Where it says itself whose
// page it was that is enough; older ones send `Origin` with every POST.
Result<void> check_own_page(const Exchange& exchange) {
  constexpr const char* kForeign = "the sign-in cookie is for the server's own pages";
  const http::RequestHead& head = exchange.request.head;
  if (const auto site = head.find_header("Sec-Fetch-Site")) {
    if (*site == "same-origin" || *site == "none") return {};
    return fail(Code::forbidden, 0, kForeign);
  }
  const auto origin = head.find_header("Origin");
  if (!origin) return {};
  const std::string own =
      std::string(exchange.is_https ? "https://" : "http://").append(head.find_header("Host").value_or(""));
  if (!http::equals_ignoring_case(*origin, own)) return fail(Code::forbidden, 0, kForeign);
  return {};
}

Result<std::string> read_refresh_cookie(const Exchange& exchange) {
  const http::RequestHead& head = exchange.request.head;
  std::string found;
  for (size_t i = 0; i < head.headers().size(); ++i) {
    const http::HeaderField field = head.headers()[i];
    if (!http::equals_ignoring_case(field.name, "Cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t end = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      const size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != kName) continue;
      if (!found.empty()) return fail(Code::unauthorized, 0, "there are two sign-in cookies: sign in again");
      found = pair.substr(equals + 1);
    }
  }
  if (found.empty()) return fail(Code::unauthorized, 0, "there is no refresh token");
  TRY(check_own_page(exchange));
  return found;
}

std::string make_refresh_cookie(std::string_view token, bool is_https) {
  return cookie(token, auth::kLoginTtlS, is_https);
}

std::string forget_refresh_cookie(bool is_https) { return cookie("", 0, is_https); }

}  // namespace bobbin::api
