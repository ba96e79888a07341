#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace bobbin::http {

// An absolute http or https URL, from configuration or a tool: where to connect and what to ask there.
struct Url {
  bool tls = false;      // https
  std::string host;      // lower case; IPv6 without its brackets
  bool is_ipv6 = false;  // `host` is an IPv6 address
  uint16_t port = 80;    // 80 or 443 unless given
  std::string path;      // as given, percent-escapes and all; begins with `/`
  std::string query;     // as given, without `?`; may be empty

  // What goes into the Host field: brackets around IPv6, the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
  // What goes into the request line: path, and query when there is one.
  [[nodiscard]] std::string target() const;
  friend bool operator==(const Url&, const Url&) = default;
};

// Errors: invalid, with a literal for the person who configured it: another scheme, no host, user or password in it, a
// fragment, a bad port (0 and above 65535 too), a percent-escape in the host or a malformed
// one elsewhere, anything but visible ASCII.
Result<Url> parse_url(std::string_view text);

// `text` with every %XX replaced by its byte, and `+` by a space where `plus_is_space`. The bytes may be anything, NUL
// too: the caller checks for UTF-8. Errors: malformed for a `%` without two hexadecimal digits.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

// Appends `text` with all but RFC 3986 unreserved characters as %XX: fits a path segment and a query value.
void append_percent_encoded(std::string& out, std::string_view text);

// The decoded value of the parameter `name` in a raw query (`a=1&b=x%20y`), names decoded too, `+` as a space.
//
// nullopt when it is absent; an empty string for `name=` and for `name`. Errors: malformed when it comes more than once
// or when any part of the query has a malformed escape.
Result<std::optional<std::string>> query_parameter(std::string_view query, std::string_view name);

struct QueryParameter {
  std::string name;
  std::string value;
};
// All parameters in order; empty pieces (`a&&b`) are skipped. Errors: malformed for a malformed escape.
Result<std::vector<QueryParameter>> split_query(std::string_view query);

// The decoded segments of a raw path: `/chat/sessions/a%2Fb` is {"chat", "sessions", "a/b"}; `/` is none, a trailing
// slash makes an empty last segment. Nothing is normalised: `.` and `..` stay segments, for the router not to match.
// Errors: malformed for a malformed escape or a path that does not begin with `/`.
Result<std::vector<std::string>> split_path(std::string_view path);

}  // namespace bobbin::http
