#pragma once

#include <array>
#include <optional>
#include <string_view>

struct sockaddr;

namespace bobbin::net {

// Whether a connection to this resolved address may be made. Called before each connect, on the loop's thread.
using AddressPolicy = bool (*)(const sockaddr& address) noexcept;

// Allows addresses of the public Internet alone. Refused: this machine, private and shared (RFC 6598) networks,
// link-local, multicast, documentation and other special ranges, and every IPv6 form that carries an IPv4 address
// (mapped, NAT64, 6to4, Teredo), whatever that address is. Source: IANA's special-purpose address registries.
[[nodiscard]] bool is_public_address(const sockaddr& address) noexcept;

// Allows all. With it a call does its own name lookup and uses no proxy, as with any policy.
[[nodiscard]] bool is_any_address(const sockaddr& address) noexcept;

// Whether `host` (as in a URL; IPv6 with or without brackets) can only be this machine: localhost and its subdomains,
// 127.0.0.0/8, ::1 and the IPv4-mapped form. Looks at the text, asks no resolver.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

// `host` without the brackets of an IPv6 literal.
[[nodiscard]] std::string_view without_brackets(std::string_view host) noexcept;

// Whether `host`, without brackets, is an IPv4 or IPv6 address in its usual notation.
[[nodiscard]] bool is_ip_literal(std::string_view host) noexcept;

// The bytes of such an address, in network order, IPv4 as ::ffff:a.b.c.d; nullopt when it is none.
[[nodiscard]] std::optional<std::array<unsigned char, 16>> ip_bytes(std::string_view host) noexcept;

}  // namespace bobbin::net
