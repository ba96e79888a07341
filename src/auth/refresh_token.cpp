#include "src/auth/refresh_token.h"

#include <cstring>

#include "src/auth/base64url.h"
#include "src/auth/digest.h"
#include "src/base/bytes.h"

namespace bobbin::auth {
namespace {

constexpr std::string_view kPrefix = "bobr_";
constexpr size_t kTailBytes = 16 + 8;  // login and generation
constexpr size_t kTextBytesMax = 512;

// Apart from the key of access tokens: neither can be taken for the other.
Sha256 sign(std::string_view secret, std::string_view payload) {
  const Sha256 key = hmac_sha256(secret, "bobbin refresh token 1");
  return hmac_sha256(as_text(key), payload);
}

}  // namespace

std::string make_refresh_token(std::string_view secret, const RefreshToken& token) {
  std::string payload = token.account;
  payload.append(reinterpret_cast<const char*>(token.login.bytes.data()), token.login.bytes.size());
  append_be64(payload, token.generation);
  std::string text(kPrefix);
  append_base64url(text, payload);
  text.push_back('.');
  append_base64url(text, as_text(sign(secret, payload)));
  return text;
}

std::optional<RefreshToken> parse_refresh_token(std::string_view secret, std::string_view text) {
  if (text.size() > kTextBytesMax || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto payload = from_base64url(text.substr(0, dot));
  const auto signature = from_base64url(text.substr(dot + 1));
  if (!payload || !signature || payload->size() <= kTailBytes) return std::nullopt;
  if (!equal_in_constant_time(*signature, as_text(sign(secret, *payload)))) return std::nullopt;
  RefreshToken token;
  const size_t account_bytes = payload->size() - kTailBytes;
  token.account = payload->substr(0, account_bytes);
  std::memcpy(token.login.bytes.data(), payload->data() + account_bytes, token.login.bytes.size());
  token.generation = load_be64(payload->data() + account_bytes + token.login.bytes.size());
  return token;
}

}  // namespace bobbin::auth
