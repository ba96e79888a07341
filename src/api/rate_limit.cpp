#include "src/api/rate_limit.h"

#include <algorithm>
#include <cstring>

#include "src/base/assert.h"
#include "src/base/uuid.h"
#include "src/net/address.h"

namespace bobbin::api {
namespace {

constexpr int64_t kMinuteNs = 60'000'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;

// Seeded, so that nobody can look for names that share a place; not for anything that must withstand more.
uint64_t mix(uint64_t hash, uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 32;
  hash *= 0xd6e8feb86659fd93u;
  return hash ^ (hash >> 29);
}

uint64_t hash_of(uint64_t seed, RateLimiter::Kind kind, std::string_view id) noexcept {
  uint64_t hash = mix(seed, static_cast<uint64_t>(kind) << 32 | id.size());
  while (!id.empty()) {
    uint64_t word = 0;
    const size_t count = std::min(id.size(), sizeof word);
    std::memcpy(&word, id.data(), count);
    hash = mix(hash, word);
    id.remove_prefix(count);
  }
  return mix(hash, seed);
}

uint32_t ceil_seconds(int64_t ns) noexcept {
  return ns <= 0 ? 0 : static_cast<uint32_t>((ns + kSecondNs - 1) / kSecondNs);
}

}  // namespace

RateLimiter::RateLimiter(const RateLimits& limits, size_t entries) : limits_(limits) {
  BOBBIN_ASSERT(limits.requests <= kLimitMax && limits.address_requests <= kLimitMax);
  BOBBIN_ASSERT(entries >= kWays && (entries & (entries - 1)) == 0);
  fill_random(seeds_, sizeof seeds_);
  if (limits.requests > 0 || limits.address_requests > 0) places_.resize(entries / kWays);
}

uint32_t RateLimiter::limit_of(Kind kind) const noexcept {
  return kind == Kind::address ? limits_.address_requests : limits_.requests;
}

std::optional<RateVerdict> RateLimiter::take(Kind kind, std::string_view id, int64_t now_us) {
  const uint32_t limit = limit_of(kind);
  if (limit == 0) return std::nullopt;
  const int64_t interval_ns = kMinuteNs / limit;
  const int64_t full_ns = interval_ns * limit;  // what a bucket lacks when it is empty
  const int64_t now_ns = now_us * 1000;
  const uint64_t hash[2] = {hash_of(seeds_[0], kind, id), hash_of(seeds_[1], kind, id)};
  const size_t at = hash[0] & (places_.size() - 1);

  const std::lock_guard lock(locks_[at % kLocks]);
  Place& place = places_[at];
  Bucket* bucket = &place[0];
  for (Bucket& candidate : place) {
    if (candidate.hash[0] == hash[0] && candidate.hash[1] == hash[1]) {
      bucket = &candidate;
      break;
    }
    if (candidate.full_at_ns < bucket->full_at_ns) bucket = &candidate;
  }
  const bool is_known = bucket->hash[0] == hash[0] && bucket->hash[1] == hash[1];
  const int64_t lacking_ns = is_known ? std::max<int64_t>(bucket->full_at_ns - now_ns, 0) : 0;
  RateVerdict verdict{.is_allowed = lacking_ns + interval_ns <= full_ns, .limit = limit};
  const int64_t lacks_then_ns = verdict.is_allowed ? lacking_ns + interval_ns : lacking_ns;
  if (verdict.is_allowed) *bucket = {.hash = {hash[0], hash[1]}, .full_at_ns = now_ns + lacks_then_ns};
  verdict.remaining = static_cast<uint32_t>((full_ns - lacks_then_ns) / interval_ns);
  verdict.reset_s = ceil_seconds(lacks_then_ns);
  if (!verdict.is_allowed) verdict.retry_after_s = ceil_seconds(lacking_ns + interval_ns - full_ns);
  return verdict;
}

AddressKey limit_key_of(std::string_view host) noexcept {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  AddressKey key;
  if (const auto bytes = net::ip_bytes(host)) {
    const bool is_v4 = std::equal(kMapped.begin(), kMapped.end(), bytes->begin());
    key.size = is_v4 ? bytes->size() : bytes->size() / 2;
    std::memcpy(key.bytes.data(), bytes->data(), key.size);
  } else {
    key.size = std::min(host.size(), key.bytes.size());
    std::memcpy(key.bytes.data(), host.data(), key.size);
  }
  return key;
}

}  // namespace bobbin::api
