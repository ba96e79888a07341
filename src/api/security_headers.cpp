#include "src/api/security_headers.h"

#include <algorithm>

#include "src/net/address.h"

namespace bobbin::api {
namespace {

// Nothing from elsewhere, nothing inline, no frames: a message that slips through the page's own care finds no way out.
constexpr char kPagePolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr char kPagePermissions[] =
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), "
    "payment=(), serial=(), usb=()";

// Same-origin, for CORS as well: what is read with CORS is not asked for Cross-Origin-Resource-Policy.
constexpr http::HeaderField kSecurityFields[] = {
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

// Names of local networks: multicast DNS, RFC 8375, RFC 6761, and what routers hand out.
constexpr std::string_view kLocalNames[] = {"local", "localhost", "internal", "home.arpa", "lan",
                                            "home",  "intranet",  "private",  "corp",      "test"};

bool is_below(std::string_view host, std::string_view name) noexcept {
  if (host.size() <= name.size() || host[host.size() - name.size() - 1] != '.') return false;
  return http::equals_ignoring_case(host.substr(host.size() - name.size()), name);
}

}  // namespace

std::span<const http::HeaderField> security_fields() noexcept { return kSecurityFields; }

void append_page_headers(net::HeaderList& headers) {
  headers.emplace_back("Content-Security-Policy", kPagePolicy);
  headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  headers.emplace_back("Permissions-Policy", kPagePermissions);
}

bool may_insist_on_https(std::string_view host) noexcept {
  if (host.starts_with('[')) return false;
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.find('.') == std::string_view::npos || net::is_ip_literal(host)) return false;
  return std::none_of(std::begin(kLocalNames), std::end(kLocalNames),
                      [host](std::string_view name) { return is_below(host, name); });
}

void append_hsts(net::HeaderList& headers) { headers.emplace_back("Strict-Transport-Security", "max-age=31536000"); }

}  // namespace bobbin::api
