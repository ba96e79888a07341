#pragma once

#include <cstdint>

// Classes of bytes in HTTP/1.1 (RFC 9110 §5.6, RFC 9112). All of the grammar's sets are ASCII; no locale.
namespace bobbin::http {

constexpr bool is_digit(unsigned char byte) noexcept { return byte >= '0' && byte <= '9'; }

constexpr bool is_alpha(unsigned char byte) noexcept {
  const unsigned char lower = byte | 0x20;
  return lower >= 'a' && lower <= 'z';
}

constexpr unsigned char to_lower(unsigned char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte | 0x20) : byte;
}

// -1 for anything but a hexadecimal digit.
constexpr int hex_value(unsigned char byte) noexcept {
  if (is_digit(byte)) return byte - '0';
  const unsigned char lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// 0x21..0x7e: all that may stand in a request target.
constexpr bool is_visible_ascii(unsigned char byte) noexcept { return byte > 0x20 && byte < 0x7f; }

// What a field value may hold: visible ASCII, space, tab, and the bytes above 0x7f (obs-text).
constexpr bool is_field_byte(unsigned char byte) noexcept { return (byte >= 0x20 && byte != 0x7f) || byte == '\t'; }

// tchar of RFC 9110 §5.6.2.
constexpr bool is_token_byte(unsigned char byte) noexcept {
  if (is_digit(byte) || is_alpha(byte)) return true;
  switch (byte) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~': return true;
    default: return false;
  }
}

// unreserved of RFC 3986 §2.3.
constexpr bool is_unreserved(unsigned char byte) noexcept {
  return is_digit(byte) || is_alpha(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

}  // namespace bobbin::http
