#include "src/base/json.h"

#include "src/base/clock.h"

#include <array>
#include <charconv>

namespace bobbin::json {
namespace {

// For each byte: 0 when it stands for itself, the letter of its short escape, or 'u' for \u00XX.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (size_t i = 0; i < 0x20; ++i) table[i] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  table[0x7f] = 'u';
  return table;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t clean_from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) [[likely]]
      continue;
    out.append(text, clean_from, i - clean_from);
    clean_from = i + 1;
    out.push_back('\\');
    out.push_back(escape);
    if (escape == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.append(text, clean_from, text.size() - clean_from);
  out.push_back('"');
}

void append_int(std::string& out, int64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, static_cast<size_t>(end - text));
}

void append_uint(std::string& out, uint64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, static_cast<size_t>(end - text));
}

std::string& Object::key(std::string_view name) {
  if (!first_) out_.push_back(',');
  first_ = false;
  out_.push_back('"');
  out_.append(name);
  out_.append("\":");
  return out_;
}

Object& Object::field(std::string_view name, std::string_view text) {
  append_string(key(name), text);
  return *this;
}

Object& Object::number(std::string_view name, int64_t value) {
  append_int(key(name), value);
  return *this;
}

Object& Object::boolean(std::string_view name, bool value) {
  key(name).append(value ? "true" : "false");
  return *this;
}

Object& Object::null(std::string_view name) {
  key(name).append("null");
  return *this;
}

Object& Object::time(std::string_view name, int64_t wall_us) {
  std::string& out = key(name);
  out.push_back('"');
  append_rfc3339(out, wall_us);
  out.push_back('"');
  return *this;
}

Object& Object::time_or_null(std::string_view name, int64_t wall_us) {
  return wall_us == 0 ? null(name) : time(name, wall_us);
}

}  // namespace bobbin::json
