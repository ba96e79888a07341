#include "proto_http/url.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto_http/characters.h"
#include "proto_http/header_scan.h"
#include "proto_http/headers.h"

namespace bobbin::http {
namespace {

// Takes `scheme` off the front of `text` if it is there.
bool take_scheme(std::string_view& text, std::string_view scheme) {
  if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme)) return false;
  text.remove_prefix(scheme.size());
  return true;
}

// Splits the authority, which is_host_and_port has passed. Errors: invalid for port 0.
Result<void> take_authority(std::string_view authority, Url& out) {
  size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    out.is_ipv6 = true;
    out.host = authority.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    out.host = authority.substr(0, host_end);
  }
  std::transform(out.host.begin(), out.host.end(), out.host.begin(),
                 [](char c) { return static_cast<char>(to_lower(static_cast<unsigned char>(c))); });
  const std::string_view port = host_end < authority.size() ? authority.substr(host_end + 1) : std::string_view();
  if (port.empty()) return {};
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (out.port == 0) return fail(Code::invalid, 0, "port 0 in a URL");
  return {};
}

}  // namespace

std::string Url::authority() const {
  std::string out = is_ipv6 ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::string Url::target() const { return query.empty() ? path : path + "?" + query; }

Result<Url> parse_url(std::string_view text) {
  Url url;
  for (const char c : text) {
    if (!is_visible_ascii(static_cast<unsigned char>(c))) {
      return fail(Code::invalid, 0, "a space, control or non-ASCII byte in a URL");
    }
  }
  if (take_scheme(text, "https://")) {
    url.tls = true;
    url.port = 443;
  } else if (!take_scheme(text, "http://")) {
    return fail(Code::invalid, 0, "a URL must begin with http:// or https://");
  }
  if (text.find('#') != std::string_view::npos) return fail(Code::invalid, 0, "a fragment in a URL");
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return fail(Code::invalid, 0, "a user or password in a URL");
  if (!is_host_and_port(authority)) return fail(Code::invalid, 0, "a URL without a valid host and port");
  TRY(take_authority(authority, url));
  // Names are looked up and certificates compared as they are.
  if (url.host.find('%') != std::string::npos) return fail(Code::invalid, 0, "a percent-escape in a URL's host");

  const std::string_view target = text.substr(authority.size());
  const size_t question = target.find('?');
  url.path = target.substr(0, question);
  if (url.path.empty()) url.path = "/";
  if (question != std::string_view::npos) url.query = target.substr(question + 1);
  if (!percent_decode(target, false)) return fail(Code::invalid, 0, "a malformed percent-escape in a URL");
  return url;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '%') {
      const int high = text.size() - at > 2 ? hex_value(static_cast<unsigned char>(text[at + 1])) : -1;
      const int low = text.size() - at > 2 ? hex_value(static_cast<unsigned char>(text[at + 2])) : -1;
      if (high < 0 || low < 0) return fail(Code::malformed, 0, "a malformed percent-escape");
      out.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    } else {
      out.push_back(c == '+' && plus_is_space ? ' ' : c);
    }
  }
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(byte)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
}

Result<std::optional<std::string>> query_parameter(std::string_view query, std::string_view name) {
  TRY_ASSIGN(std::vector<QueryParameter> parameters, split_query(query));
  std::optional<std::string> found;
  for (QueryParameter& parameter : parameters) {
    if (parameter.name != name) continue;
    if (found) return fail(Code::malformed, 0, "a query parameter comes more than once");
    found = std::move(parameter.value);
  }
  return found;
}

Result<std::vector<QueryParameter>> split_query(std::string_view query) {
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const std::string_view piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(piece.size() + 1, query.size()));
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    const std::string_view raw_value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    TRY_ASSIGN(std::string name, percent_decode(piece.substr(0, equals), true));
    TRY_ASSIGN(std::string value, percent_decode(raw_value, true));
    parameters.push_back({std::move(name), std::move(value)});
  }
  return parameters;
}

Result<std::vector<std::string>> split_path(std::string_view path) {
  if (!path.starts_with('/')) return fail(Code::malformed, 0, "the path does not begin with a slash");
  path.remove_prefix(1);
  std::vector<std::string> segments;
  if (path.empty()) return segments;
  while (true) {
    const size_t slash = path.find('/');
    TRY_ASSIGN(std::string segment, percent_decode(path.substr(0, slash), false));
    segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace bobbin::http
