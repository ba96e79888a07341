#include "src/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>

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

// The first `prefix_bits` of all its addresses, in host order for IPv4.
struct V4Network {
  uint32_t address;
  unsigned prefix_bits;
};
constexpr uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) noexcept {
  return (a << 24) | (b << 16) | (c << 8) | d;
}
constexpr V4Network kNotPublicV4[] = {
    {v4(0, 0, 0, 0), 8},        // "this network"
    {v4(10, 0, 0, 0), 8},       // private
    {v4(100, 64, 0, 0), 10},    // shared by carriers' NAT
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local; clouds answer questions about themselves there
    {v4(172, 16, 0, 0), 12},    // private
    {v4(192, 0, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 88, 99, 0), 24},   // 6to4 relays
    {v4(192, 168, 0, 0), 16},   // private
    {v4(198, 18, 0, 0), 15},    // benchmarks
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 4},      // multicast
    {v4(240, 0, 0, 0), 4},      // reserved, and broadcast
};

bool is_public_v4(uint32_t address) noexcept {
  return std::none_of(std::begin(kNotPublicV4), std::end(kNotPublicV4), [address](const V4Network& network) {
    return (address ^ network.address) >> (32 - network.prefix_bits) == 0;
  });
}

// Only 2000::/3 is given out to the public; mapped, NAT64, link-local, unique local and multicast addresses are
// outside.
bool is_public_v6(const unsigned char* bytes) noexcept {
  if ((bytes[0] & 0xe0) != 0x20) return false;
  const unsigned head = (unsigned{bytes[0]} << 8) | bytes[1];
  const unsigned next = (unsigned{bytes[2]} << 8) | bytes[3];
  if (head == 0x2001 && next < 0x0200) return false;   // protocol assignments, Teredo among them
  if (head == 0x2001 && next == 0x0db8) return false;  // documentation
  if (head == 0x2002) return false;                    // 6to4
  return head != 0x3fff || (next & 0xf000) != 0;       // documentation, 3fff::/20
}

}  // namespace

bool is_public_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    return is_public_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr);
  }
  return false;
}

bool is_any_address(const sockaddr&) noexcept { return true; }

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
