#include "proto_http/headers.h"

#include <algorithm>

#include "proto_http/characters.h"
#include "src/base/assert.h"

namespace bobbin::http {

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return to_lower(static_cast<unsigned char>(x)) == to_lower(static_cast<unsigned char>(y));
  });
}

bool is_header_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) { return is_field_byte(static_cast<unsigned char>(c)); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_token_byte(static_cast<unsigned char>(c)); });
}

std::string_view trim_white_space(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool list_has_token(std::string_view value, std::string_view token) noexcept {
  while (true) {
    const size_t comma = value.find(',');
    if (equals_ignoring_case(trim_white_space(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

HeaderField HeaderBlock::operator[](size_t index) const noexcept {
  BOBBIN_ASSERT(index < spans_.size());
  const Span& span = spans_[index];
  const std::string_view bytes = bytes_;
  return {bytes.substr(span.name_at, span.name_bytes), bytes.substr(span.value_at, span.value_bytes)};
}

std::optional<std::string_view> HeaderBlock::find(std::string_view name) const noexcept {
  for (const HeaderField field : *this) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

size_t HeaderBlock::count(std::string_view name) const noexcept {
  size_t count = 0;
  for (const HeaderField field : *this) count += equals_ignoring_case(field.name, name) ? 1 : 0;
  return count;
}

}  // namespace bobbin::http
