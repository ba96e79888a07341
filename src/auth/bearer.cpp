#include "src/auth/bearer.h"

namespace bobbin::auth {
namespace {

constexpr std::string_view kScheme = "bearer ";

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

constexpr bool is_token_char(char c) noexcept {
  const char letter = lower(c);
  if ((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9')) return true;
  return c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
}

bool has_scheme(std::string_view value) noexcept {
  if (value.size() < kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (lower(value[i]) != kScheme[i]) return false;
  }
  return true;
}

// 1*( token characters ) *"=", RFC 6750 §2.1.
bool is_token(std::string_view text) noexcept {
  size_t i = 0;
  while (i < text.size() && is_token_char(text[i])) ++i;
  if (i == 0) return false;
  while (i < text.size() && text[i] == '=') ++i;
  return i == text.size();
}

}  // namespace

Result<std::string_view> bearer_token(std::span<const std::string_view> values) {
  if (values.empty()) return fail(Code::unauthorized, 0, "an Authorization header with a bearer token is needed");
  if (values.size() > 1) return fail(Code::unauthorized, 0, "there is more than one Authorization header");
  if (!has_scheme(values[0])) return fail(Code::unauthorized, 0, "the Authorization header is not `Bearer <token>`");
  const std::string_view token = values[0].substr(kScheme.size());
  if (!is_token(token)) return fail(Code::unauthorized, 0, "the Authorization header is not `Bearer <token>`");
  return token;
}

}  // namespace bobbin::auth
