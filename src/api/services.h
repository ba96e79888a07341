#pragma once

#include <string>
#include <vector>

#include "src/api/client_address.h"
#include "src/api/model_catalog.h"
#include "src/api/rate_limit.h"
#include "src/auth/account_gate.h"
#include "src/auth/accounts.h"
#include "src/auth/login_link.h"
#include "src/auth/refresh_desk.h"
#include "src/auth/token_cache.h"
#include "src/chat/engine.h"
#include "src/chat/feed_hub.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/upstream/model.h"
#include "storage/store.h"

namespace bobbin::api {

struct ApiOptions {
  // Origins whose pages may call us, exactly as browsers send them; `*` alone allows all.
  std::vector<std::string> cors_origins{};
  // Browsers that came by HTTPS are told never to come without. Not with a certificate that they do not trust by
  // themselves: they would no longer let anybody pass their warning, and who goes back to HTTP is locked out.
  bool insist_on_https = false;
  // Whose forwarded addresses are believed.
  TrustedProxies trusted_proxies{};
  // Signs the tokens that one-time links are exchanged for.
  std::string secret{};
  int64_t login_token_ttl_s = 30 * 24 * 3600;
};

// What the handlers of one worker work with. All of it outlives the Api.
struct Services {
  Loop& loop;
  BlockingPool& pool;
  store::Store& store;
  chat::Engine& engine;
  chat::FeedHub& feeds;
  upstream::Model& model;
  ModelCatalog& models;
  RateLimiter& rate_limiter;
  auth::TokenCache& tokens;
  auth::RefreshDesk* key_refresh;  // null: the keys of tokens do not change
  auth::AccountGate& gate;
  auth::Accounts& accounts;
  auth::Revocations& revocations;
  auth::LoginLinks& login_links;
  const ApiOptions& options;
  int64_t started_us;  // wall clock
};

}  // namespace bobbin::api
