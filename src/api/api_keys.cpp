// /auth/keys: secrets for programs, each with what it may do and until when.

#include "src/api/account_request.h"
#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/auth/base64url.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/store/store_op.h"

namespace bobbin::api {
namespace {

// 256 random bits: a hash without salt and passes protects them.
constexpr size_t kSecretBytes = 32;
// Shown for ever, so that people can tell keys apart: a hundred thousand of them rarely share it.
constexpr size_t kShownBytes = 10;

void append_key(std::string& out, const store::ApiKey& key, std::string_view secret) {
  json::Object object(out);
  object.field("id", key.id.to_string()).field("name", key.name).field("prefix", key.prefix);
  if (!secret.empty()) object.field("key", secret);
  std::string& scopes = object.key("scopes");
  scopes.append(key.scopes & store::key_scopes::kChat ? R"(["read","chat"])" : R"(["read"])");
  object.time("created_at", key.created_us);
  object.time_or_null("expires_at", key.expires_us);
  object.time_or_null("last_used_at", key.last_used_us);
  object.close();
}

}  // namespace

Task<Result<Answer>> post_api_key(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(KeyRequest request, parse_key_request(exchange.request.body));
  const std::string secret = std::string(auth::kApiKeyPrefix) + auth::random_secret(kSecretBytes);
  const int64_t now_us = wall_now_us();
  store::ApiKey key{.id = make_uuid_v4(), .name = std::move(request.name), .prefix = secret.substr(0, kShownBytes)};
  key.hash = auth::sha256(secret);
  key.scopes = request.scopes;
  key.created_us = now_us;
  if (request.expires_in_s > 0) key.expires_us = now_us + static_cast<int64_t>(request.expires_in_s) * 1'000'000;
  store::StoreOp op(services.store, services.loop, store::PutApiKey{exchange.identity.user, key});
  CO_TRY(co_await op.run());
  log::info("API key made", {{"user_id", exchange.identity.user}, {"prefix", key.prefix}});
  std::string out;
  append_key(out, key, secret);
  co_return json_response(std::move(out), 201);
}

Task<Result<Answer>> get_api_keys(Services& services, Exchange& exchange) {
  store::StoreRead read(services.pool, services.loop, [&](store::Tier tier) {
    return services.store.accounts().list_api_keys(exchange.identity.user, tier);
  });
  CO_TRY_ASSIGN(const std::vector<store::ApiKey> keys, co_await read.run());
  std::string out = R"({"keys":[)";
  for (const store::ApiKey& key : keys) {
    if (&key != keys.data()) out.push_back(',');
    append_key(out, key, {});
  }
  out.append("]}");
  co_return json_response(std::move(out));
}

Task<Result<Answer>> delete_api_key(Services& services, Exchange& exchange) {
  const std::optional<Uuid> id = Uuid::parse(exchange.captured[0]);
  if (!id) co_return fail(Code::not_found, 0, "no such key");
  store::StoreOp op(services.store, services.loop, store::DeleteApiKey{exchange.identity.user, *id});
  CO_TRY(co_await op.run());
  services.revocations.revoke({exchange.identity.user, *id});
  log::info("API key deleted", {{"user_id", exchange.identity.user}});
  co_return net::Response{.status = 204};
}

}  // namespace bobbin::api
