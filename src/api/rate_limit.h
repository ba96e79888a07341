#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace bobbin::api {

// How a bucket stood after a request was taken from it, or refused.
struct RateVerdict {
  bool is_allowed = true;
  uint32_t limit = 0;          // requests a minute, and at once
  uint32_t remaining = 0;      // requests that would be allowed now
  uint32_t reset_s = 0;        // until `remaining` is `limit` again, rounded up
  uint32_t retry_after_s = 0;  // until the next request is allowed: 1 or more when refused, else 0
};

struct RateLimits {
  uint32_t requests = 0;          // a minute, of each user and each API key; 0: any
  uint32_t address_requests = 0;  // a minute, of each client address; 0: any
};

// Counts requests in token buckets: each holds a minute's worth and fills steadily. Shared by all workers, thread-safe.
//
// A bucket is one number, the time at which it will be full (GCRA, ITU-T I.371): in a table of fixed size, found by a
// hash of 128 bits with a secret seed. So a request costs one short lock and no allocation, and a full bucket needs no
// entry. Where a new one finds no place, the bucket that lacks least is forgotten: whoever floods the table with new
// names gives others a few requests for free, and whoever is being limited stays limited.
class RateLimiter {
 public:
  enum class Kind : uint8_t { user, key, address };
  // 1.5 MiB: more names than ask within one minute.
  static constexpr size_t kEntries = 65'536;
  static constexpr uint32_t kLimitMax = 1'000'000;

  // Requires limits of kLimitMax at most, and `entries` to be a power of two of kWays or more.
  explicit RateLimiter(const RateLimits& limits, size_t entries = kEntries);
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Takes one request of `id` (for an address: limit_key_of()) at `now_us` of a steady clock. nullopt: nothing is
  // limited for that kind. A refused request takes nothing.
  std::optional<RateVerdict> take(Kind kind, std::string_view id, int64_t now_us);

  // Entries of one place in the table.
  static constexpr size_t kWays = 8;

 private:
  struct Bucket {
    uint64_t hash[2] = {};
    int64_t full_at_ns = 0;  // in the past: the entry is free
  };
  using Place = std::array<Bucket, kWays>;
  static constexpr size_t kLocks = 64;

  [[nodiscard]] uint32_t limit_of(Kind kind) const noexcept;

  const RateLimits limits_;
  uint64_t seeds_[2];
  std::array<std::mutex, kLocks> locks_;
  std::vector<Place> places_;  // empty where nothing is limited
};

// What stands for a client address: all of it, but of IPv6 the /64 that one household or machine has to itself.
struct AddressKey {
  std::array<char, 16> bytes{};
  size_t size = 0;
  [[nodiscard]] std::string_view text() const noexcept { return {bytes.data(), size}; }
};
// `host` as in Exchange::client. What is no address stands for itself, cut to 16 bytes.
[[nodiscard]] AddressKey limit_key_of(std::string_view host) noexcept;

}  // namespace bobbin::api
