// Proves how many requests a bucket allows and when the next ones, that buckets do not touch each other, and what is
// forgotten when the table is full. Time is an argument: nothing waits.

#include "src/api/rate_limit.h"

#include <thread>

#include "tests/support/test.h"

namespace bobbin::api {
namespace {

using Kind = RateLimiter::Kind;
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kStartUs = 77 * kSecondUs;

RateVerdict take(RateLimiter& limiter, std::string_view id, int64_t now_us, Kind kind = Kind::user) {
  const std::optional<RateVerdict> verdict = limiter.take(kind, id, now_us);
  CHECK(verdict.has_value());
  return *verdict;
}

TEST_CASE(a_minutes_worth_at_once_and_then_one_each_interval) {
  RateLimiter limiter({.requests = 60});
  for (uint32_t i = 0; i < 60; ++i) {
    const RateVerdict verdict = take(limiter, "ada", kStartUs);
    CHECK(verdict.is_allowed);
    CHECK_EQ(verdict.limit, 60u);
    CHECK_EQ(verdict.remaining, 59 - i);
    CHECK_EQ(verdict.reset_s, i + 1);
    CHECK_EQ(verdict.retry_after_s, 0u);
  }
  const RateVerdict refused = take(limiter, "ada", kStartUs);
  CHECK(!refused.is_allowed);
  CHECK_EQ(refused.remaining, 0u);
  CHECK_EQ(refused.retry_after_s, 1u);
  CHECK_EQ(refused.reset_s, 60u);
  CHECK(!take(limiter, "ada", kStartUs + kSecondUs - 1).is_allowed);
  CHECK(take(limiter, "ada", kStartUs + kSecondUs).is_allowed);
  CHECK(!take(limiter, "ada", kStartUs + kSecondUs).is_allowed);
  CHECK_EQ(take(limiter, "ada", kStartUs + 61 * kSecondUs).remaining, 59u);
  CHECK_EQ(take(limiter, "ada", kStartUs + 1000 * kSecondUs).remaining, 59u);  // never more than a minute's worth
}

TEST_CASE(refused_requests_cost_nothing) {
  RateLimiter limiter({.requests = 1});
  CHECK(take(limiter, "ada", kStartUs).is_allowed);
  for (int i = 0; i < 1000; ++i) {
    const RateVerdict verdict = take(limiter, "ada", kStartUs + 59 * kSecondUs);
    CHECK(!verdict.is_allowed);
    CHECK_EQ(verdict.retry_after_s, 1u);
  }
  CHECK_EQ(take(limiter, "ada", kStartUs).retry_after_s, 60u);
  CHECK(take(limiter, "ada", kStartUs + 60 * kSecondUs).is_allowed);
}

TEST_CASE(odd_limits_allow_neither_more_nor_fewer) {
  for (const uint32_t limit : {1u, 7u, 59u, 61u, 600u, 1201u, 999'983u, RateLimiter::kLimitMax}) {
    RateLimiter limiter({.requests = limit});
    uint32_t allowed = 0;
    while (take(limiter, "ada", kStartUs).is_allowed) ++allowed;
    CHECK_EQ(allowed, limit);
    CHECK(take(limiter, "ada", kStartUs + 60 * kSecondUs).remaining == limit - 1);
  }
}

TEST_CASE(names_and_kinds_do_not_touch_each_other) {
  RateLimiter limiter({.requests = 1, .address_requests = 2});
  CHECK(take(limiter, "ada", kStartUs).is_allowed);
  CHECK(!take(limiter, "ada", kStartUs).is_allowed);
  const std::string_view others[] = {"", "a", "adaa", "Ada", "ada ", std::string_view("ada\0", 4)};
  for (const std::string_view other : others) CHECK(take(limiter, other, kStartUs).is_allowed);
  CHECK(take(limiter, "ada", kStartUs, Kind::key).is_allowed);
  CHECK_EQ(take(limiter, "ada", kStartUs, Kind::address).remaining, 1u);
}

TEST_CASE(a_kind_without_a_limit_is_not_counted) {
  RateLimiter none({});
  for (const Kind kind : {Kind::user, Kind::key, Kind::address}) CHECK(!none.take(kind, "ada", kStartUs));
  RateLimiter addresses({.address_requests = 1});
  CHECK(!addresses.take(Kind::user, "ada", kStartUs));
  CHECK(addresses.take(Kind::address, "ada", kStartUs).has_value());
}

TEST_CASE(a_full_table_forgets_who_used_least_and_never_who_is_limited) {
  RateLimiter limiter({.requests = 10}, RateLimiter::kWays);  // one place
  for (int i = 0; i < 10; ++i) CHECK(take(limiter, "greedy", kStartUs).is_allowed);
  for (int i = 0; i < 10'000; ++i) {
    CHECK(take(limiter, "new" + std::to_string(i), kStartUs).is_allowed);
    CHECK(!take(limiter, "greedy", kStartUs).is_allowed);
  }
  // Entries of full buckets are free: nobody who still lacks something is forgotten for them.
  const int64_t later_us = kStartUs + 120 * kSecondUs;
  for (int i = 0; i < 10; ++i) take(limiter, "one", later_us);
  for (int i = 0; i < 7; ++i) take(limiter, "two" + std::to_string(i), later_us);
  CHECK(!take(limiter, "one", later_us).is_allowed);
  for (int i = 0; i < 7; ++i) CHECK_EQ(take(limiter, "two" + std::to_string(i), later_us).remaining, 8u);
}

TEST_CASE(threads_share_the_buckets) {
  RateLimiter limiter({.requests = 1000});
  std::array<uint32_t, 4> allowed{};
  std::vector<std::thread> threads;
  for (uint32_t& count : allowed) {
    threads.emplace_back([&limiter, &count] {
      for (int i = 0; i < 1000; ++i) count += limiter.take(Kind::user, "ada", kStartUs)->is_allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(allowed[0] + allowed[1] + allowed[2] + allowed[3], 1000u);
}

TEST_CASE(an_ipv6_address_counts_by_its_64) {
  const auto same = [](const char* a, const char* b) { return limit_key_of(a).text() == limit_key_of(b).text(); };
  CHECK(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
  CHECK(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
  CHECK(!same("192.0.2.1", "192.0.2.2"));
  CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
  CHECK(!same("::1", "127.0.0.1"));
  CHECK(!same("unknown", ""));
  CHECK_EQ(limit_key_of(std::string(100, 'x')).text().size(), size_t{16});
}

}  // namespace
}  // namespace bobbin::api
