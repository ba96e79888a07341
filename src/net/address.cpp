#include "src/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace bobbin::net {
namespace {

// inet_pton wants a terminated string; no literal is longer than this.
struct Literal {
  explicit Literal(std::string_view host) noexcept {
    if (host.empty() || host.size() >= sizeof text) return;
    std::memcpy(text, host.data(), host.size());
    text[host.size()] = '\0';
    // A NUL inside would hide the rest.
    if (std::strlen(text) != host.size()) return;
    is_v4 = inet_pton(AF_INET, text, &v4) == 1;
    is_v6 = !is_v4 && inet_pton(AF_INET6, text, &v6) == 1;
  }
  char text[INET6_ADDRSTRLEN] = {};
  in_addr v4 = {};
  in6_addr v6 = {};
  bool is_v4 = false;
  bool is_v6 = false;
};

bool is_loopback_v4(uint32_t address_be) noexcept { return (ntohl(address_be) >> 24) == 127; }

}  // namespace

std::string_view without_brackets(std::string_view host) noexcept {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  return host;
}

bool is_ip_literal(std::string_view host) noexcept {
  const Literal literal(host);
  return literal.is_v4 || literal.is_v6;
}

std::optional<std::array<unsigned char, 16>> ip_bytes(std::string_view host) noexcept {
  const Literal literal(host);
  std::array<unsigned char, 16> bytes = {};
  if (literal.is_v6) {
    std::memcpy(bytes.data(), literal.v6.s6_addr, bytes.size());
    return bytes;
  }
  if (!literal.is_v4) return std::nullopt;
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + 12, &literal.v4, sizeof literal.v4);
  return bytes;
}

bool is_loopback_host(std::string_view host) noexcept {
  host = without_brackets(host);
  const Literal literal(host);
  if (literal.is_v4) return is_loopback_v4(literal.v4.s_addr);
  if (literal.is_v6) {
    if (IN6_IS_ADDR_LOOPBACK(&literal.v6)) return true;
    if (!IN6_IS_ADDR_V4MAPPED(&literal.v6)) return false;
    uint32_t mapped_be = 0;
    std::memcpy(&mapped_be, literal.v6.s6_addr + 12, sizeof mapped_be);
    return is_loopback_v4(mapped_be);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view kLocal = "localhost";
  if (host.size() < kLocal.size()) return false;
  const std::string_view tail = host.substr(host.size() - kLocal.size());
  const bool is_local = std::equal(tail.begin(), tail.end(), kLocal.begin(),
                                   [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
  return is_local && (host.size() == kLocal.size() || host[host.size() - kLocal.size() - 1] == '.');
}

}  // namespace bobbin::net
