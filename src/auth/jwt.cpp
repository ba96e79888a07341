#include "src/auth/jwt.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "src/auth/base64url.h"
#include "src/auth/distinct_names.h"
#include "src/base/assert.h"
#include "src/base/limits.h"
#include "src/base/text.h"

namespace bobbin::auth {
namespace {

namespace dom = simdjson::dom;

auto refuse(const char* detail, std::source_location where = std::source_location::current()) {
  return fail(Code::unauthorized, 0, detail, where);
}

struct Parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  std::string_view signed_text;  // header and claims with the dot between them
};

std::optional<Parts> split(std::string_view token) noexcept {
  const size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{.header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_text = token.substr(0, second)};
}

// One base64url part as a JSON object without repeated names.
std::optional<dom::object> parse_object(dom::parser& parser, std::string_view part) {
  const std::optional<std::string> json = from_base64url(part);
  if (!json) return std::nullopt;
  dom::object object;
  if (parser.parse(simdjson::padded_string(*json)).get(object) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string_view> names;
  for (const dom::key_value_pair field : object) names.push_back(field.key);
  if (!are_distinct(std::move(names))) return std::nullopt;
  return object;
}

bool has(const dom::object& object, std::string_view name) { return object[name].error() == simdjson::SUCCESS; }

// nullopt when there is no such field, or it is no string.
std::optional<std::string_view> text_field(const dom::object& object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

// A NumericDate (RFC 7519 §2): seconds since 1970, possibly with a fraction, as microseconds rounded down. nullopt for
// what is no number or lies outside of the years 1970 to 9999.
std::optional<int64_t> time_field_us(const dom::object& object, std::string_view name) {
  constexpr double kSecondsMax = 253'402'300'799;
  const simdjson::simdjson_result<dom::element> field = object[name];
  int64_t whole_s = 0;
  if (field.get(whole_s) == simdjson::SUCCESS) {
    if (whole_s < 0 || whole_s > static_cast<int64_t>(kSecondsMax)) return std::nullopt;
    return whole_s * 1'000'000;
  }
  double seconds = 0;
  if (field.get(seconds) != simdjson::SUCCESS) return std::nullopt;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return std::nullopt;
  return static_cast<int64_t>(std::floor(seconds * 1e6));
}

// What may ask for something here: a JWT that says no more, and an access token (RFC 9068 §4). Not what issuers sign
// with the same keys for other ends: logout tokens, DPoP proofs, security events. `typ` is a media type, so its case
// does not count.
bool is_accepted_type(std::string_view type) {
  std::string lower(type);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return lower == "jwt" || lower == "at+jwt" || lower == "application/at+jwt";
}

struct Header {
  Algorithm algorithm;
  std::string key_id;
};

Result<Header> read_header(dom::parser& parser, std::string_view part) {
  const std::optional<dom::object> header = parse_object(parser, part);
  if (!header) return refuse("the token's header is malformed");
  const std::optional<std::string_view> name = text_field(*header, "alg");
  const std::optional<Algorithm> algorithm = name ? find_algorithm(*name) : std::nullopt;
  if (!algorithm) return refuse("the token's algorithm is not accepted");
  if (has(*header, "crit")) return refuse("the token needs an extension that is not known");
  if (has(*header, "typ") && !is_accepted_type(text_field(*header, "typ").value_or(""))) {
    return refuse("the token is not of type JWT");
  }
  if (has(*header, "kid") && !text_field(*header, "kid")) return refuse("the token's `kid` is malformed");
  return Header{.algorithm = *algorithm, .key_id = std::string(text_field(*header, "kid").value_or(""))};
}

bool audience_matches(const dom::object& claims, std::string_view audience) {
  const simdjson::simdjson_result<dom::element> field = claims["aud"];
  if (field.error() == simdjson::NO_SUCH_FIELD) return true;
  std::string_view one;
  if (field.get(one) == simdjson::SUCCESS) return one == audience;
  dom::array several;
  if (field.get(several) != simdjson::SUCCESS) return false;
  bool found = false;
  for (const dom::element entry : several) {
    if (entry.get(one) != simdjson::SUCCESS) return false;
    found = found || one == audience;
  }
  return found;
}

Result<Identity> judge_claims(const dom::object& claims, const VerifierOptions& options, bool local, int64_t now_s) {
  const std::optional<std::string_view> user = text_field(claims, "sub");
  if (!user || !is_user_id(*user)) return refuse("the token has no usable `sub`");
  if (!local && is_account_id(*user)) return refuse("the token speaks for a built-in account");
  const std::optional<int64_t> expires_us = time_field_us(claims, "exp");
  if (!expires_us) return refuse("the token has no usable `exp`");
  const int64_t now_us = now_s * 1'000'000;
  if (*expires_us <= now_us) return refuse("the token has expired");
  if (has(claims, "nbf")) {
    const std::optional<int64_t> not_before_us = time_field_us(claims, "nbf");
    if (!not_before_us) return refuse("the token's `nbf` is malformed");
    if (*not_before_us > now_us + kNotBeforeLeewayS * 1'000'000) return refuse("the token is not valid yet");
  }
  if (!audience_matches(claims, options.audience) && !(local && audience_matches(claims, kOwnAudience)))
    return refuse("the token is for another audience");
  if (!options.issuer.empty() && (!local || has(claims, "iss")) && text_field(claims, "iss") != options.issuer) {
    return refuse("the token is from another issuer");
  }
  // Without it a token is as old as can be; a login that is none ends nothing that exists.
  const int64_t issued_us = time_field_us(claims, "iat").value_or(0);
  const std::optional<std::string_view> login = local ? text_field(claims, "bobbin_login") : std::nullopt;
  const std::optional<Uuid> login_id = login ? Uuid::parse(*login) : std::nullopt;
  if (login && !login_id) return refuse("the token's login is malformed");
  // A scope takes rights away: one that is not known takes all.
  const std::optional<std::string_view> scope = text_field(claims, "bobbin_scope");
  if (local && has(claims, "bobbin_scope") && scope != "replicate" && scope != "password")
    return refuse("the token's scope is not known");
  return Identity{.user = std::string(*user),
                  .admin = local && text_field(claims, "bobbin_role") == "admin",
                  .replicate = local && scope == "replicate",
                  .password_reset = local && scope == "password",
                  .expires_us = *expires_us,
                  .issued_us = issued_us,
                  .credential = login_id.value_or(Uuid{})};
}

// Whose key made the signature.
enum class Signer : uint8_t { nobody, foreign, local };

Signer find_signer(const KeySet& keys, const Header& header, std::string_view signed_text, std::string_view signature) {
  for (const Key& key : keys) {
    if (key.algorithm != header.algorithm) continue;
    if (!key.id.empty() && key.id != header.key_id) continue;
    if (verify_signature(key, signed_text, signature)) return key.local ? Signer::local : Signer::foreign;
  }
  return Signer::nobody;
}

// Whether the issuer may have made the token's key since its keys were read.
bool is_unknown_key(const KeySet& keys, const Header& header) {
  return header.algorithm != Algorithm::hs256 && !header.key_id.empty() &&
         std::none_of(keys.begin(), keys.end(), [&](const Key& key) { return key.id == header.key_id; });
}

KeySet one_local_key(std::string secret) {
  KeySet keys;
  keys.push_back({.algorithm = Algorithm::hs256, .id = "", .local = true, .material = std::move(secret)});
  return keys;
}

}  // namespace

bool is_user_id(std::string_view user) noexcept {
  return !user.empty() && user.size() <= limits::kUserIdBytesMax && is_utf8(user) && !has_control_characters(user);
}

TokenVerifier::TokenVerifier(std::string secret, VerifierOptions options)
    : TokenVerifier(one_local_key(std::move(secret)), std::move(options)) {}

TokenVerifier::TokenVerifier(KeySet keys, VerifierOptions options)
    : keys_(std::move(keys)), options_(std::move(options)) {
  for (const Key& key : keys_) {
    BOBBIN_ASSERT(key.algorithm != Algorithm::hs256 || key.material.size() >= limits::kJwtSecretBytesMin);
  }
}

Result<Identity> TokenVerifier::verify(std::string_view token, int64_t now_s) const {
  if (token.size() > limits::kJwtBytesMax) return refuse("the token is too long");
  const std::optional<Parts> parts = split(token);
  if (!parts) return refuse("the token does not have three parts");
  dom::parser parser;
  TRY_ASSIGN(const Header header, read_header(parser, parts->header));
  const std::optional<std::string> signature = from_base64url(parts->signature);
  if (!signature) return refuse("the token's signature is not valid");
  Signer signer = find_signer(keys_, header, parts->signed_text, *signature);
  if (signer == Signer::nobody && options_.ring != nullptr) {
    const std::shared_ptr<const KeySet> keys = options_.ring->keys();
    signer = find_signer(*keys, header, parts->signed_text, *signature);
    if (signer == Signer::nobody && is_unknown_key(*keys, header))
      return fail(Code::unauthorized, kUnknownKey, "the token's key is not known");
  }
  if (signer == Signer::nobody) return refuse("the token's signature is not valid");
  const std::optional<dom::object> claims = parse_object(parser, parts->claims);
  if (!claims) return refuse("the token's claims are malformed");
  return judge_claims(*claims, options_, signer == Signer::local, now_s);
}

}  // namespace bobbin::auth
