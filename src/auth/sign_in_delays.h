#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace bobbin::auth {

// Makes guessing passwords slow without locking anybody out: after a few failures each further attempt waits, longer
// each time, and attempts at the same account from the same network wait one behind the other. Another network has a
// count of its own, so nobody can keep the owner of an account away from it. An account that fails from many networks,
// and a network that fails at many accounts, make each attempt wait a little, but none behind another: neighbours are
// slowed down, not shut out.
//
// Thread-safe, and of bounded size: what was quiet for longest is forgotten first. Times are of a steady clock.
class SignInDelays {
 public:
  // Failures without a wait.
  static constexpr uint32_t kFreeFailures = 5;
  static constexpr int64_t kFirstDelayMs = 250;
  static constexpr int64_t kDelayMsMax = 30'000;
  // Of an account from anywhere, and of a network at any account.
  static constexpr uint32_t kFreeFailuresAround = 50;
  static constexpr int64_t kDelayAroundMs = 2'000;
  // So long after the last failure it is as if there had been none.
  static constexpr int64_t kForgetMs = int64_t{15} * 60 * 1000;

  explicit SignInDelays(size_t entries_max = 16 * 1024);

  // How long an attempt at `account` from the address `client` must wait before it is judged. nullopt: so many wait
  // already that it would be more than kDelayMsMax; it should be refused with `retry later`.
  // Until its end() an attempt counts as a failure, so many at once are no way around the count.
  std::optional<int64_t> begin(std::string_view account, std::string_view client, int64_t now_ms);

  enum class Outcome : uint8_t {
    succeeded,
    failed,
    abandoned,  // it was never judged
  };
  // A failure without a begin().
  void count_failure(std::string_view account, std::string_view client, int64_t now_ms);

  // A network's passwords that are being hashed or wait for it: kHashingPerNetworkMax at most, so that one cannot take
  // the whole queue. False: it has them all. leave_hashing() follows each true.
  static constexpr uint32_t kHashingPerNetworkMax = 16;
  bool enter_hashing(std::string_view client);
  void leave_hashing(std::string_view client);

  // Once for each begin() that gave a time.
  void end(std::string_view account, std::string_view client, Outcome outcome, int64_t now_ms);

 private:
  struct Entry {
    uint32_t failures = 0;
    uint32_t begun = 0;  // and not ended
    int64_t last_attempt_ms = 0;
    int64_t next_free_ms = 0;  // when the last attempt that waits is judged
  };

  Entry* find(const std::string& name, int64_t now_ms);
  Entry& find_or_make(const std::string& name, int64_t now_ms);
  void add_failure(std::string_view account, std::string_view client, int64_t now_ms);
  void make_room(int64_t now_ms);

  const size_t entries_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, uint32_t> hashing_;  // by network; only those that hash
};

}  // namespace bobbin::auth
