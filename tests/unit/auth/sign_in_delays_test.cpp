// The waits before a password is judged: none at first, then longer each time, one behind the other, and never for
// somebody from elsewhere.
#include "src/auth/sign_in_delays.h"

#include "src/base/result.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::auth;

namespace {

using Outcome = SignInDelays::Outcome;

int64_t attempt(SignInDelays& delays, const std::string& account, const std::string& client, int64_t now_ms,
                Outcome outcome = Outcome::failed) {
  const auto wait_ms = delays.begin(account, client, now_ms);
  if (!wait_ms) return -1;
  delays.end(account, client, outcome, now_ms + *wait_ms);
  return *wait_ms;
}

// As many failures as cost nothing.
void fail_freely(SignInDelays& delays, const std::string& client = "10.0.0.1") {
  for (uint32_t i = 0; i < SignInDelays::kFreeFailures; ++i) CHECK_EQ(attempt(delays, "anna", client, 0), int64_t{0});
}

}  // namespace

TEST_CASE(the_first_failures_cost_nothing_and_each_further_twice_as_much) {
  SignInDelays delays;
  fail_freely(delays);
  int64_t now_ms = 1000;
  for (int64_t expected = SignInDelays::kFirstDelayMs; expected < SignInDelays::kDelayMsMax; expected *= 2) {
    CHECK_EQ(attempt(delays, "anna", "10.0.0.1", now_ms), expected);
    now_ms += expected;
  }
  CHECK_EQ(attempt(delays, "anna", "10.0.0.1", now_ms), SignInDelays::kDelayMsMax);
}

TEST_CASE(many_at_once_wait_one_behind_the_other_and_past_half_a_minute_are_refused) {
  SignInDelays delays;
  int64_t latest_ms = 0;
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto wait_ms = delays.begin("anna", "10.0.0.1", 0);
    if (!wait_ms) {
      ++refused;
      continue;
    }
    CHECK(*wait_ms >= latest_ms);
    latest_ms = *wait_ms;
  }
  CHECK(latest_ms <= SignInDelays::kDelayMsMax);
  CHECK(refused > 80);
}

TEST_CASE(who_comes_from_another_network_does_not_wait) {
  SignInDelays delays;
  fail_freely(delays);
  for (int i = 0; i < 20; ++i) attempt(delays, "anna", "10.0.0.1", 1000 * i);
  CHECK_EQ(attempt(delays, "anna", "10.0.0.2", 30'000, Outcome::succeeded), int64_t{0});
}

TEST_CASE(addresses_of_one_ipv6_network_are_one) {
  SignInDelays delays;
  fail_freely(delays, "2001:db8:0:1::1");
  CHECK(attempt(delays, "anna", "2001:db8:0:1:ffff::2", 0) > 0);
  CHECK_EQ(attempt(delays, "anna", "2001:db8:0:2::1", 0), int64_t{0});
  CHECK_EQ(attempt(delays, "anna", "no address", 0), int64_t{0});
}

TEST_CASE(a_success_clears_the_account_but_not_the_network) {
  SignInDelays delays;
  fail_freely(delays);
  CHECK(attempt(delays, "anna", "10.0.0.1", 0, Outcome::succeeded) > 0);
  CHECK_EQ(attempt(delays, "anna", "10.0.0.1", 1000), int64_t{0});
  // Between guesses at others, signing in with an account of one's own does not help.
  for (uint32_t i = 0; i < SignInDelays::kFreeFailuresAround; ++i) {
    attempt(delays, "victim" + std::to_string(i), "10.0.0.9", 0);
    attempt(delays, "own", "10.0.0.9", 0, Outcome::succeeded);
  }
  CHECK_EQ(attempt(delays, "another", "10.0.0.9", 0), SignInDelays::kDelayAroundMs);
}

TEST_CASE(neighbours_of_an_attacker_wait_a_little_and_never_behind_it) {
  SignInDelays delays;
  for (int i = 0; i < 1000; ++i) delays.begin("victim", "10.0.0.1", 0);
  CHECK_EQ(attempt(delays, "neighbour", "10.0.0.1", 0, Outcome::succeeded), int64_t{0});
  for (uint32_t i = 0; i < 1000; ++i) attempt(delays, "victim" + std::to_string(i), "10.0.0.1", 0);
  CHECK_EQ(attempt(delays, "neighbour", "10.0.0.1", 0, Outcome::succeeded), SignInDelays::kDelayAroundMs);
}

TEST_CASE(what_was_never_judged_is_no_failure) {
  SignInDelays delays;
  for (int i = 0; i < 20; ++i) CHECK_EQ(attempt(delays, "anna", "10.0.0.1", 0, Outcome::abandoned), int64_t{0});
}

TEST_CASE(a_quarter_of_an_hour_later_all_is_forgotten) {
  SignInDelays delays;
  fail_freely(delays);
  CHECK(attempt(delays, "anna", "10.0.0.1", SignInDelays::kForgetMs - 1) > 0);
  CHECK_EQ(attempt(delays, "anna", "10.0.0.1", 3 * SignInDelays::kForgetMs), int64_t{0});
}

TEST_CASE(an_account_that_fails_from_everywhere_waits_a_little_everywhere) {
  SignInDelays delays;
  for (uint32_t i = 0; i < SignInDelays::kFreeFailuresAround; ++i)
    CHECK_EQ(attempt(delays, "anna", "10.0.1." + std::to_string(i), 0), int64_t{0});
  CHECK_EQ(attempt(delays, "anna", "10.0.2.1", 0), SignInDelays::kDelayAroundMs);
  CHECK_EQ(attempt(delays, "bert", "10.0.2.1", 0), int64_t{0});
}

TEST_CASE(a_flood_of_addresses_takes_bounded_memory_and_forgets_the_persistent_last) {
  SignInDelays delays(64);
  for (int i = 0; i < 10; ++i) attempt(delays, "anna", "10.0.0.1", 0);
  for (int i = 0; i < 1000; ++i)
    attempt(delays, "x" + std::to_string(i), "10." + std::to_string(i / 250) + ".7." + std::to_string(i % 250), 0);
  CHECK(attempt(delays, "anna", "10.0.0.1", 60'000) > 0);
}

TEST_CASE(a_network_has_so_many_passwords_at_the_hasher_and_others_have_their_own) {
  SignInDelays delays;
  for (uint32_t i = 0; i < SignInDelays::kHashingPerNetworkMax; ++i) CHECK(delays.enter_hashing("2001:db8::1"));
  CHECK(!delays.enter_hashing("2001:db8::2"));
  CHECK(delays.enter_hashing("2001:db8:0:1::1"));
  delays.leave_hashing("2001:db8::1");
  CHECK(delays.enter_hashing("2001:db8::2"));
}
