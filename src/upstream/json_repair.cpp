#include "src/upstream/json_repair.h"

#include <cstdint>
#include <optional>

#include "src/base/text.h"

namespace bobbin::upstream {
namespace {

// The marks are F4 8F BE 80..BF for the bytes 80..BF and F4 8F BF 80..BF for C0..FF.
constexpr std::string_view kMarkLead = "\xf4\x8f";
constexpr size_t kMarkBytes = 4;

void append_mark(std::string& out, uint8_t byte) {
  out.append(kMarkLead);
  out.push_back(byte < 0xc0 ? '\xbe' : '\xbf');
  out.push_back(static_cast<char>(byte < 0xc0 ? byte : byte - 0x40));
}

// How many bytes a character that begins with `lead` has.
size_t character_bytes(uint8_t lead) noexcept {
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

// The number in `\uXXXX` at the begin of `text`.
std::optional<uint32_t> unicode_escape(std::string_view text) noexcept {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  uint32_t value = 0;
  for (const char c : text.substr(2, 4)) {
    const char letter = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<uint32_t>(c - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      value = value << 4 | static_cast<uint32_t>(letter - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

constexpr bool is_high_surrogate(uint32_t c) noexcept { return c >= 0xd800 && c <= 0xdbff; }
constexpr bool is_low_surrogate(uint32_t c) noexcept { return c >= 0xdc00 && c <= 0xdfff; }

// Appends the escape at the begin of `text`, a pair of surrogates as one. Returns the bytes taken.
size_t append_escape(std::string& out, std::string_view text) {
  const std::optional<uint32_t> first = unicode_escape(text);
  if (!first) {
    out.append(text, 0, 2);
    return text.size() < 2 ? text.size() : 2;
  }
  if (is_high_surrogate(*first)) {
    const std::optional<uint32_t> second = unicode_escape(text.substr(6));
    if (second && is_low_surrogate(*second)) {
      out.append(text, 0, 12);
      return 12;
    }
  }
  out.append(is_high_surrogate(*first) || is_low_surrogate(*first) ? "\\ufffd" : text.substr(0, 6));
  return 6;
}

}  // namespace

std::string mark_ill_formed(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 8);
  for (size_t i = 0; i < json.size();) {
    const auto byte = static_cast<uint8_t>(json[i]);
    if (byte == '\\') {
      i += append_escape(out, json.substr(i));
    } else if (byte < 0x80) {
      out.push_back(json[i++]);
    } else if (const std::string_view character = json.substr(i, character_bytes(byte)); is_utf8(character)) {
      out.append(character);
      i += character.size();
    } else {
      append_mark(out, byte);
      ++i;
    }
  }
  return out;
}

std::string unmark(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t mark = text.find(kMarkLead, i);
    out.append(text, i, mark - i);  // npos - i takes the rest
    if (mark == std::string_view::npos) break;
    i = mark;
    const std::string_view character = text.substr(i, kMarkBytes);
    if (character.size() == kMarkBytes && (character[2] == '\xbe' || character[2] == '\xbf')) {
      out.push_back(static_cast<char>(static_cast<uint8_t>(character[3]) + (character[2] == '\xbf' ? 0x40 : 0)));
      i += kMarkBytes;
    } else {
      out.append(kMarkLead);
      i += kMarkLead.size();
    }
  }
  return out;
}

}  // namespace bobbin::upstream
