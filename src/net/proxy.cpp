#include "src/net/proxy.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "proto_http/url.h"
#include "src/net/address.h"

namespace bobbin::net {
namespace {

std::string_view trim(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::optional<uint16_t> parse_port(std::string_view text) noexcept {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

struct HostPort {
  std::string host;
  uint16_t port;
};

// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare v6 literal.
std::optional<HostPort> parse_host_port(std::string_view text, uint16_t port_default) {
  if (is_ip_literal(text)) return HostPort{to_lower(text), port_default};
  std::string_view host = text;
  std::string_view port_text;
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
  }
  uint16_t port = port_default;
  if (!port_text.empty()) {
    const auto parsed = parse_port(port_text);
    if (!parsed) return std::nullopt;
    port = *parsed;
  }
  host = without_brackets(host);
  if (host.empty() || (host.find(':') != std::string_view::npos && !is_ip_literal(host))) return std::nullopt;
  for (const char c : host)
    if (c <= ' ' || c == 0x7f || c == '/' || c == '?' || c == '#' || c == '@' || c == '[' || c == ']')
      return std::nullopt;
  return HostPort{to_lower(host), port};
}

// RFC 7617. Credentials may be any bytes: the encoding cannot break the header line.
Result<std::string> basic_authorization(std::string_view user_info) {
  const size_t colon = user_info.find(':');
  TRY_ASSIGN(std::string pair, http::percent_decode(user_info.substr(0, colon), false));
  pair.push_back(':');
  if (colon != std::string_view::npos) {
    TRY_ASSIGN(const std::string password, http::percent_decode(user_info.substr(colon + 1), false));
    pair += password;
  }
  std::string encoded((pair.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock terminates
  const int bytes = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                    reinterpret_cast<const unsigned char*>(pair.data()), static_cast<int>(pair.size()));
  encoded.resize(static_cast<size_t>(bytes));
  return "Basic " + encoded;
}

constexpr size_t kProxyUrlBytesMax = 4096;
constexpr uint16_t kProxyPortDefault = 80;

Result<std::optional<Proxy>> parse_proxy(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::optional<Proxy>{};
  if (text.size() > kProxyUrlBytesMax) return fail(Code::invalid, 0, "proxy: the URL is too long");
  if (const size_t scheme_end = text.find("://"); scheme_end != std::string_view::npos) {
    if (to_lower(text.substr(0, scheme_end)) != "http")
      return fail(Code::invalid, 0, "proxy: only http:// is supported");
    text.remove_prefix(scheme_end + 3);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  Proxy proxy;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    auto authorization = basic_authorization(text.substr(0, at));
    if (!authorization) return fail(Code::invalid, 0, "proxy: a bad escape in user or password");
    proxy.authorization = std::move(*authorization);
    text.remove_prefix(at + 1);
  }
  auto address = parse_host_port(text, kProxyPortDefault);
  if (!address) return fail(Code::invalid, 0, "proxy: not a host and port");
  proxy.host = std::move(address->host);
  proxy.port = address->port;
  return std::optional<Proxy>(std::move(proxy));
}

}  // namespace

Result<ProxyRules> ProxyRules::parse(const ProxySettings& settings) {
  ProxyRules rules;
  TRY_ASSIGN(rules.https_, parse_proxy(settings.https_proxy));
  TRY_ASSIGN(rules.http_, parse_proxy(settings.http_proxy));
  std::string_view rest = settings.no_proxy;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view entry = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (entry == "*") rules.none_ = true;
    if (entry.starts_with("*.")) entry.remove_prefix(1);
    while (entry.starts_with('.')) entry.remove_prefix(1);
    if (const auto network = parse_network(entry)) {
      rules.networks_.push_back(*network);
      continue;
    }
    if (auto parsed = parse_host_port(entry, 0)) rules.exceptions_.push_back({std::move(parsed->host), parsed->port});
  }
  return rules;
}

// `10.0.0.0/8` or `fd00::/8`.
std::optional<ProxyRules::Network> ProxyRules::parse_network(std::string_view text) noexcept {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view base = text.substr(0, slash);
  const std::string_view bits_text = text.substr(slash + 1);
  const auto address = ip_bytes(base);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
  if (!address || error != std::errc{} || end != bits_text.data() + bits_text.size()) return std::nullopt;
  const bool is_v4 = base.find(':') == std::string_view::npos;
  if (bits > (is_v4 ? 32U : 128U)) return std::nullopt;
  return Network{.address = *address, .prefix_bits = is_v4 ? bits + 96 : bits};
}

bool ProxyRules::is_excepted(std::string_view host, uint16_t port) const noexcept {
  if (none_) return true;
  for (const Exception& exception : exceptions_) {
    if (exception.port != 0 && exception.port != port) continue;
    if (!host.ends_with(exception.host)) continue;
    if (host.size() == exception.host.size()) return true;
    // A whole label before it: `example.com` covers `a.example.com`, not `badexample.com`.
    if (host[host.size() - exception.host.size() - 1] == '.' && !is_ip_literal(host)) return true;
  }
  const auto address = ip_bytes(host);
  if (!address) return false;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const size_t whole_bytes = network.prefix_bits / 8;
    if (!std::equal(address->begin(), address->begin() + whole_bytes, network.address.begin())) return false;
    const unsigned rest_bits = network.prefix_bits % 8;
    return rest_bits == 0 || ((*address)[whole_bytes] ^ network.address[whole_bytes]) >> (8 - rest_bits) == 0;
  });
}

const Proxy* ProxyRules::find(bool is_https, std::string_view host, uint16_t port) const noexcept {
  const std::optional<Proxy>& proxy = is_https ? https_ : http_;
  if (!proxy) return nullptr;
  host = without_brackets(host);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (is_loopback_host(host) || is_excepted(host, port)) return nullptr;
  return &*proxy;
}

}  // namespace bobbin::net
