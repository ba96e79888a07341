#include "src/api/rate_check.h"

#include <algorithm>

#include "src/api/rate_limit.h"
#include "src/api/services.h"
#include "src/base/clock.h"
#include "src/base/metrics.h"

namespace bobbin::api {
namespace {

void set_header(net::HeaderList& headers, std::string_view name, uint32_t value) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found != headers.end()) {
    found->second = std::to_string(value);
  } else {
    headers.emplace_back(name, std::to_string(value));
  }
}

Result<void> check(Services& services, Exchange& exchange, RateLimiter::Kind kind, std::string_view id) {
  const std::optional<RateVerdict> verdict = services.rate_limiter.take(kind, id, steady_now_us());
  if (!verdict) return {};
  if (!exchange.rate_remaining || verdict->remaining < *exchange.rate_remaining) {
    exchange.rate_remaining = verdict->remaining;
    set_header(exchange.common_headers, "RateLimit-Limit", verdict->limit);
    set_header(exchange.common_headers, "RateLimit-Remaining", verdict->remaining);
    set_header(exchange.common_headers, "RateLimit-Reset", verdict->reset_s);
  }
  if (verdict->is_allowed) return {};
  metrics::add(metrics::Counter::requests_limited);
  return fail(Code::rate_limited, static_cast<int32_t>(verdict->retry_after_s),
              kind == RateLimiter::Kind::address ? "too many requests from this address" : "too many requests");
}

}  // namespace

Result<void> check_address_rate(Services& services, Exchange& exchange) {
  return check(services, exchange, RateLimiter::Kind::address, limit_key_of(exchange.client).text());
}

Result<void> check_identity_rate(Services& services, Exchange& exchange) {
  const auth::Identity& identity = exchange.identity;
  if (!identity.is_api_key) return check(services, exchange, RateLimiter::Kind::user, identity.user);
  const std::string_view id(reinterpret_cast<const char*>(identity.credential.bytes.data()),
                            identity.credential.bytes.size());
  return check(services, exchange, RateLimiter::Kind::key, id);
}

}  // namespace bobbin::api
