#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace bobbin::net {

// A forward proxy: plain HTTP to it, CONNECT for https.
struct Proxy {
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string authorization;  // value of Proxy-Authorization; empty when there is none. A secret: never logged
};

// The conventional settings, as text; whoever parses the command line reads them from the environment
// (HTTPS_PROXY and https_proxy, http_proxy, NO_PROXY and no_proxy).
struct ProxySettings {
  std::string https_proxy;  // `http://[user:password@]host[:port]`, the scheme may be missing; empty: none
  std::string http_proxy;
  std::string
      no_proxy;  // comma separated: `*`, or host, `.domain`, IP address (each with an optional `:port`), network
};

// Which requests go through which proxy. Immutable once parsed.
class ProxyRules {
 public:
  // No proxy at all.
  ProxyRules() = default;

  // Errors: invalid (a proxy URL that is none, or one whose scheme is not http). An entry of no_proxy that means
  // nothing matches nothing.
  static Result<ProxyRules> parse(const ProxySettings& settings);

  // The proxy for a request to `host` (lower case, IPv6 with or without brackets), or null for a direct connection.
  // This machine's own addresses are always direct. The pointer is the rules' own.
  [[nodiscard]] const Proxy* find(bool is_https, std::string_view host, uint16_t port) const noexcept;

 private:
  struct Exception {
    std::string host;   // without a leading dot
    uint16_t port = 0;  // 0: any
  };
  // All addresses that begin with the first `prefix_bits` of `address`; IPv4 as ::ffff:a.b.c.d.
  struct Network {
    std::array<unsigned char, 16> address;
    unsigned prefix_bits;
  };
  static std::optional<Network> parse_network(std::string_view text) noexcept;
  [[nodiscard]] bool is_excepted(std::string_view host, uint16_t port) const noexcept;

  std::optional<Proxy> https_;
  std::optional<Proxy> http_;
  std::vector<Exception> exceptions_;
  std::vector<Network> networks_;
  bool none_ = false;
};

}  // namespace bobbin::net
