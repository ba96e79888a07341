#include "src/auth/login_link.h"

#include <atomic>
#include <thread>

#include "tests/support/test.h"

// One secret, one sign-in.
namespace bobbin::auth {
namespace {

TEST_CASE(secret_works_once) {
  LoginLinks links;
  const std::string secret = links.issue("ada", 60, 100);
  CHECK_EQ(secret.size(), 43u);
  CHECK(!links.redeem("", 100).has_value());
  CHECK(!links.redeem(secret + "x", 100).has_value());
  CHECK_EQ(links.redeem(secret, 159).value(), "ada");
  CHECK(!links.redeem(secret, 159).has_value());
}

TEST_CASE(secret_ends_with_its_time) {
  LoginLinks links;
  const std::string secret = links.issue("ada", 60, 100);
  CHECK(!links.redeem(secret, 160).has_value());
  CHECK(!links.redeem(secret, 100).has_value());
}

TEST_CASE(oldest_link_makes_room) {
  LoginLinks links(2);
  const std::string first = links.issue("a", 60, 0);
  const std::string second = links.issue("b", 60, 0);
  const std::string third = links.issue("c", 60, 0);
  CHECK(!links.redeem(first, 1).has_value());
  CHECK_EQ(links.redeem(third, 1).value(), "c");
  CHECK_EQ(links.redeem(second, 1).value(), "b");
}

TEST_CASE(of_many_threads_one_gets_in) {
  LoginLinks links;
  for (int round = 0; round < 50; ++round) {
    const std::string secret = links.issue("ada", 60, 0);
    std::atomic<int> entered = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (links.redeem(secret, 1)) ++entered;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(entered.load(), 1);
  }
}

}  // namespace
}  // namespace bobbin::auth
