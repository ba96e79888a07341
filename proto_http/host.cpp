#include <arpa/inet.h>

#include <string>

#include "proto_http/characters.h"
#include "proto_http/header_scan.h"

namespace bobbin::http {
namespace {

bool is_port(std::string_view text) {
  if (text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(static_cast<unsigned char>(c))) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

// reg-name of RFC 3986 §3.2.2, which holds IPv4 addresses too.
bool is_registered_name(std::string_view text) {
  if (text.empty()) return false;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '%') {
      if (text.size() - at < 3) return false;
      if (hex_value(static_cast<unsigned char>(text[at + 1])) < 0) return false;
      if (hex_value(static_cast<unsigned char>(text[at + 2])) < 0) return false;
      at += 2;
    } else if (!is_unreserved(byte) && std::string_view("!$&'()*+;=").find(text[at]) == std::string_view::npos) {
      // A comma is a sub-delim too, but it would let two joined Host fields look like one.
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_ipv6_address(std::string_view text) noexcept {
  in6_addr address;
  return text.find('\0') == std::string_view::npos && inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_host_and_port(std::string_view text) noexcept {
  std::string_view after_host;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !is_ipv6_address(text.substr(1, bracket - 1))) return false;
    after_host = text.substr(bracket + 1);
  } else {
    const size_t colon = text.find(':');
    if (!is_registered_name(text.substr(0, colon))) return false;
    if (colon != std::string_view::npos) after_host = text.substr(colon);
  }
  return after_host.empty() || (after_host.front() == ':' && is_port(after_host.substr(1)));
}

}  // namespace bobbin::http
