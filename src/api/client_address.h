#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "proto_http/request_parser.h"
#include "src/base/result.h"
#include "src/net/listener.h"

namespace bobbin::api {

// The reverse proxies whose word about their clients is believed. Constant after parsing, any thread.
class TrustedProxies {
 public:
  // Trusts nobody.
  TrustedProxies() = default;

  // Addresses and networks: `127.0.0.1`, `10.1.0.0/16`, `fd00::/8`. Bits past the prefix do not count.
  // Errors: invalid (not an address or network, or one of everybody: `/0`).
  static Result<TrustedProxies> parse(const std::vector<std::string>& networks);

  // `address` as net::ip_bytes gives it. An IPv6 network never holds an IPv4 address, however short its prefix.
  [[nodiscard]] bool contains(const std::array<unsigned char, 16>& address) const noexcept;
  [[nodiscard]] bool is_empty() const noexcept { return networks_.empty(); }

 private:
  struct Network {
    std::array<unsigned char, 16> address;
    unsigned prefix_bits;  // of all 128: IPv4 begins at 96
  };
  std::vector<Network> networks_;
};

// Who sent a request, and how it travelled over the part of its way that we do not see.
struct ClientAddress {
  std::string host;  // an address without port and brackets in its one usual notation; IPv4 never as ::ffff:a.b.c.d
  bool is_https = false;
};

// Takes the peer and the connection's own scheme, unless the peer is a trusted proxy that says otherwise:
//
// X-Forwarded-For, Forwarded (RFC 7239): each proxy appends whom it was called by, so they are read from the right up
// to the first address that is no trusted proxy. What stands left of it came from that client itself, and changes
// nothing, not even by being malformed. Is every address trusted, the leftmost is the client.
// Where what is read is malformed or `unknown`, or the two fields name different clients (a proxy that knows one of
// them passes the other on as the client wrote it), it is the peer.
// X-Forwarded-Proto, or `proto` of the Forwarded element that names the client: `http` or `https`. Where they
// contradict each other or themselves, it is the connection's own scheme.
[[nodiscard]] ClientAddress find_client(const TrustedProxies& proxies, const net::SocketAddress& peer, bool over_tls,
                                        const http::RequestHead& request);

}  // namespace bobbin::api
