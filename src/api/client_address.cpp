#include "src/api/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "src/net/address.h"

namespace bobbin::api {
namespace {

using IpBytes = std::array<unsigned char, 16>;
constexpr unsigned kV4PrefixBits = 96;

bool is_v4(const IpBytes& address) noexcept {
  static constexpr IpBytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(address.begin(), address.begin() + kV4PrefixBits / 8, kMapped.begin());
}

std::string to_text(const IpBytes& address) {
  char text[INET6_ADDRSTRLEN] = "";
  is_v4(address) ? inet_ntop(AF_INET, address.data() + kV4PrefixBits / 8, text, sizeof text)
                 : inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`.
std::optional<IpBytes> parse_node(std::string_view node) noexcept {
  if (node.starts_with('[')) {
    const size_t close = node.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view after = node.substr(close + 1);
    if (!after.empty() && !(after.front() == ':' && is_port(after.substr(1)))) return std::nullopt;
    const std::string_view host = node.substr(1, close - 1);
    return host.find(':') == std::string_view::npos ? std::nullopt : net::ip_bytes(host);
  }
  const size_t colon = node.find(':');
  if (colon == std::string_view::npos || node.find(':', colon + 1) != std::string_view::npos)
    return net::ip_bytes(node);
  return is_port(node.substr(colon + 1)) ? net::ip_bytes(node.substr(0, colon)) : std::nullopt;
}

// Takes list elements off the fields of one name, from the right, as if they were one field joined by commas.
class ListFromRight {
 public:
  ListFromRight(const http::RequestHead& request, std::string_view name) {
    for (const http::HeaderField field : request.headers())
      if (http::equals_ignoring_case(field.name, name)) fields_.push_back(field.value);
    is_present_ = !fields_.empty();
  }

  [[nodiscard]] bool is_present() const noexcept { return is_present_; }

  // The next element, nullopt after the last. `malformed` becomes true where quotes are not closed or anything is
  // escaped: no address needs that, and read from the right it could hide where a string begins.
  std::optional<std::string_view> take(bool quotes_count, bool& malformed) noexcept {
    if (fields_.empty()) return std::nullopt;
    std::string_view& field = fields_.back();
    bool quoted = false;
    size_t from = field.size();
    for (; from > 0 && (quoted || field[from - 1] != ','); --from) {
      if (!quotes_count) continue;
      if (field[from - 1] == '"') quoted = !quoted;
      if (field[from - 1] == '\\') malformed = true;
    }
    malformed |= quoted;
    const std::string_view element = field.substr(from);
    if (from == 0) {
      fields_.pop_back();
    } else {
      field = field.substr(0, from - 1);
    }
    return http::trim_white_space(element);
  }

 private:
  std::vector<std::string_view> fields_;
  bool is_present_ = false;
};

// What one field says. `host` is nullopt when it is not to be believed.
struct Claim {
  std::optional<IpBytes> host;
  std::string_view proto;  // as sent; empty: not said
};

// Of a Forwarded element: its parameters `for` and `proto`. False when it is not one.
bool parse_forwarded_element(std::string_view element, std::string_view& node, std::string_view& proto) noexcept {
  while (!element.empty()) {
    // A quoted string may hold a semicolon, and nothing is escaped in it: see ListFromRight.
    size_t end = 0;
    for (bool quoted = false; end < element.size() && (quoted || element[end] != ';'); ++end)
      if (element[end] == '"') quoted = !quoted;
    const std::string_view pair = http::trim_white_space(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return false;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    const std::string_view name = pair.substr(0, equals);
    std::string_view* const wanted = http::equals_ignoring_case(name, "for")     ? &node
                                     : http::equals_ignoring_case(name, "proto") ? &proto
                                                                                 : nullptr;
    if (wanted == nullptr) continue;
    if (!wanted->empty() || value.empty()) return false;
    *wanted = value;
  }
  return !node.empty();
}

Claim read_forwarded(const TrustedProxies& proxies, ListFromRight& list) noexcept {
  Claim claim;
  bool malformed = false;
  while (const auto element = list.take(true, malformed)) {
    std::string_view node;
    std::string_view proto;
    if (malformed || !parse_forwarded_element(*element, node, proto)) return {};
    claim = {parse_node(node), proto};
    if (!claim.host || !proxies.contains(*claim.host)) break;
  }
  return claim;
}

Claim read_x_forwarded_for(const TrustedProxies& proxies, ListFromRight& list) noexcept {
  Claim claim;
  bool malformed = false;
  while (const auto element = list.take(false, malformed)) {
    claim.host = parse_node(*element);
    if (!claim.host || !proxies.contains(*claim.host)) break;
  }
  return claim;
}

std::optional<bool> parse_scheme(std::string_view text) noexcept {
  if (http::equals_ignoring_case(text, "https")) return true;
  if (http::equals_ignoring_case(text, "http")) return false;
  return std::nullopt;
}

// The scheme that all of X-Forwarded-Proto and `forwarded` agree on; nullopt when they do not, or say nothing.
std::optional<bool> agreed_scheme(const http::RequestHead& request, std::string_view forwarded) noexcept {
  std::optional<bool> agreed;
  if (!forwarded.empty()) {
    agreed = parse_scheme(forwarded);
    if (!agreed) return std::nullopt;
  }
  ListFromRight list(request, "X-Forwarded-Proto");
  bool malformed = false;
  while (const auto element = list.take(false, malformed)) {
    const std::optional<bool> is_https = parse_scheme(*element);
    if (!is_https || (agreed && *agreed != *is_https)) return std::nullopt;
    agreed = is_https;
  }
  return agreed;
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& networks) {
  TrustedProxies proxies;
  for (const std::string_view text : networks) {
    const size_t slash = text.find('/');
    const std::string_view host = text.substr(0, slash);
    const std::optional<IpBytes> address = net::ip_bytes(host);
    if (!address) return fail(Code::invalid, 0, "expected an address or a network, such as 127.0.0.1 or 10.1.0.0/16");
    // By how it is written, so that ::ffff:10.0.0.0/104 means what it says.
    const unsigned first_bit = host.find(':') == std::string_view::npos ? kV4PrefixBits : 0;
    unsigned prefix_bits = 128 - first_bit;
    if (slash != std::string_view::npos) {
      const std::string_view digits = text.substr(slash + 1);
      const char* const end = digits.data() + digits.size();
      const auto [at, error] = std::from_chars(digits.data(), end, prefix_bits);
      if (error != std::errc() || at != end || prefix_bits > 128 - first_bit)
        return fail(Code::invalid, 0, "a network ends in /BITS: 0 to 32 for IPv4, 0 to 128 for IPv6");
    }
    const bool holds_all_of_v4 = first_bit + prefix_bits == kV4PrefixBits && is_v4(*address);
    if (prefix_bits == 0 || holds_all_of_v4)
      return fail(Code::invalid, 0, "trusting everybody would let clients name any address");
    proxies.networks_.push_back({*address, first_bit + prefix_bits});
  }
  return proxies;
}

bool TrustedProxies::contains(const IpBytes& address) const noexcept {
  const bool address_is_v4 = is_v4(address);
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    if (address_is_v4 && network.prefix_bits < kV4PrefixBits) return false;
    const unsigned whole_bytes = network.prefix_bits / 8;
    if (std::memcmp(address.data(), network.address.data(), whole_bytes) != 0) return false;
    const unsigned rest_bits = network.prefix_bits % 8;
    return rest_bits == 0 || ((address[whole_bytes] ^ network.address[whole_bytes]) >> (8 - rest_bits)) == 0;
  });
}

ClientAddress find_client(const TrustedProxies& proxies, const net::SocketAddress& peer, bool over_tls,
                          const http::RequestHead& request) {
  const std::string peer_host = peer.host();
  // Without a zone and never malformed: the kernel's own.
  const std::optional<IpBytes> peer_bytes = net::ip_bytes(peer_host);
  ClientAddress client{.host = peer_bytes ? to_text(*peer_bytes) : peer_host, .is_https = over_tls};
  if (proxies.is_empty() || !peer_bytes || !proxies.contains(*peer_bytes)) return client;

  ListFromRight x_forwarded_for(request, "X-Forwarded-For");
  ListFromRight forwarded(request, "Forwarded");
  const Claim by_forwarded = read_forwarded(proxies, forwarded);
  const Claim by_x = read_x_forwarded_for(proxies, x_forwarded_for);
  const bool both = x_forwarded_for.is_present() && forwarded.is_present();
  const std::optional<IpBytes> named = forwarded.is_present() ? by_forwarded.host : by_x.host;
  if (named && (!both || by_x.host == by_forwarded.host)) client.host = to_text(*named);
  client.is_https = agreed_scheme(request, by_forwarded.proto).value_or(over_tls);
  return client;
}

}  // namespace bobbin::api
