#include "src/auth/jwks.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "src/auth/base64url.h"
#include "src/auth/distinct_names.h"
#include "src/auth/small_file.h"
#include "src/base/log.h"
#include "src/base/metrics.h"

namespace bobbin::auth {
namespace {

namespace dom = simdjson::dom;

auto skip(const char* why, std::source_location where = std::source_location::current()) {
  return fail(Code::invalid, 0, why, where);
}

bool has_distinct_names(const dom::object& object) {
  std::vector<std::string_view> names;
  for (const dom::key_value_pair field : object) names.push_back(field.key);
  return are_distinct(std::move(names));
}

bool has(const dom::object& object, std::string_view name) { return object[name].error() == simdjson::SUCCESS; }

// nullopt when there is no such field, or it is no string.
std::optional<std::string_view> text_field(const dom::object& object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

Result<std::string> bytes_field(const dom::object& object, std::string_view name) {
  const std::optional<std::string_view> text = text_field(object, name);
  std::optional<std::string> bytes = text ? from_base64url(*text) : std::nullopt;
  if (!bytes || bytes->empty()) return skip("a number of it is missing or not base64url");
  return std::move(*bytes);
}

Result<void> check_purpose(const dom::object& jwk) {
  // `d` is the private part of every asymmetric type; the others of RSA, and `k`, never stand in a public key either.
  for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    if (has(jwk, name)) return skip("it is a private or symmetric key");
  }
  if (has(jwk, "use") && text_field(jwk, "use") != "sig") return skip("it is not for signatures");
  if (!has(jwk, "key_ops")) return {};
  dom::array operations;
  if (jwk["key_ops"].get(operations) != simdjson::SUCCESS) return skip("its key_ops are malformed");
  const bool can_verify = std::any_of(operations.begin(), operations.end(), [](const dom::element operation) {
    std::string_view name;
    return operation.get(name) == simdjson::SUCCESS && name == "verify";
  });
  if (!can_verify) return skip("its key_ops do not have `verify`");
  return {};
}

// `usual` is what the key's type says.
Result<Algorithm> read_algorithm(const dom::object& jwk, Algorithm usual) {
  if (!has(jwk, "alg")) return usual;
  const std::optional<Algorithm> named = find_algorithm(text_field(jwk, "alg").value_or(""));
  const bool fits = named == usual || (usual == Algorithm::rs256 && named == Algorithm::ps256);
  if (!fits) return skip("its algorithm is not accepted");
  return *named;
}

Result<std::string> read_key_id(const dom::object& jwk) {
  if (!has(jwk, "kid")) return std::string();
  const std::optional<std::string_view> id = text_field(jwk, "kid");
  if (!id || id->size() > kKeyIdBytesMax) return skip("its kid is not text of at most 256 bytes");
  return std::string(*id);
}

Result<Key> read_key(const dom::object& jwk) {
  if (!has_distinct_names(jwk)) return skip("a name in it comes twice");
  const std::string_view type = text_field(jwk, "kty").value_or("");
  if (type == "oct") return skip("it is a private or symmetric key");
  TRY(check_purpose(jwk));
  Key key{.algorithm = Algorithm::rs256, .id = "", .local = false, .material = ""};
  TRY_ASSIGN(key.id, read_key_id(jwk));
  const std::string_view curve = text_field(jwk, "crv").value_or("");
  if (type == "RSA") {
    TRY_ASSIGN(key.algorithm, read_algorithm(jwk, Algorithm::rs256));
    TRY_ASSIGN(const std::string modulus, bytes_field(jwk, "n"));
    TRY_ASSIGN(const std::string exponent, bytes_field(jwk, "e"));
    TRY_ASSIGN(key.public_key, PublicKey::make_rsa(modulus, exponent));
  } else if (type == "EC" && curve == "P-256") {
    TRY_ASSIGN(key.algorithm, read_algorithm(jwk, Algorithm::es256));
    TRY_ASSIGN(const std::string x, bytes_field(jwk, "x"));
    TRY_ASSIGN(const std::string y, bytes_field(jwk, "y"));
    TRY_ASSIGN(key.public_key, PublicKey::make_p256(x, y));
  } else if (type == "OKP" && curve == "Ed25519") {
    TRY_ASSIGN(key.algorithm, read_algorithm(jwk, Algorithm::eddsa));
    TRY_ASSIGN(const std::string x, bytes_field(jwk, "x"));
    TRY_ASSIGN(key.public_key, PublicKey::make_ed25519(x));
  } else {
    return skip("its type or curve is not accepted");
  }
  return key;
}

void log_skipped(std::string_view key_id, std::string_view why) {
  log::warn("a key of the JWKS is skipped", {{"kid", key_id.substr(0, kKeyIdBytesMax)}, {"why", why}});
}

}  // namespace

Result<KeySet> parse_jwks(std::string_view json) {
  if (json.size() > kJwksBytesMax) return fail(Code::too_large, 0, "the key set is larger than 256 KiB");
  dom::parser parser;
  dom::object set;
  dom::array entries;
  if (parser.parse(simdjson::padded_string(json)).get(set) != simdjson::SUCCESS || !has_distinct_names(set) ||
      set["keys"].get(entries) != simdjson::SUCCESS) {
    return fail(Code::malformed, 0, "it is not a JSON object with an array `keys`");
  }
  KeySet keys;
  for (const dom::element entry : entries) {
    dom::object jwk;
    const bool is_object = entry.get(jwk) == simdjson::SUCCESS;
    const std::string_view key_id = is_object ? text_field(jwk, "kid").value_or("") : "";
    if (keys.size() == kJwksKeysMax) {
      log_skipped(key_id, "there are more than 64 keys");
      break;
    }
    Result<Key> key = is_object ? read_key(jwk) : skip("it is no JSON object");
    if (key) {
      keys.push_back(std::move(*key));
    } else {
      log_skipped(key_id, key.error().detail);
    }
  }
  if (keys.empty()) return fail(Code::invalid, 0, "the key set has no key that can be used");
  return keys;
}

Result<void> reload_jwks_file(const std::string& path, KeyRing& ring) {
  TRY_ASSIGN(const std::string json, read_small_file(path, kJwksBytesMax));
  TRY_ASSIGN(KeySet keys, parse_jwks(json));
  replace_keys(ring, std::move(keys));
  return {};
}

void replace_keys(KeyRing& ring, KeySet keys) {
  const auto count = static_cast<int64_t>(keys.size());
  metrics::add(metrics::Gauge::jwks_keys, count - static_cast<int64_t>(ring.keys()->size()));
  ring.replace(std::move(keys));
  log::info("the JWKS has new keys", {{"keys", count}});
}

}  // namespace bobbin::auth
