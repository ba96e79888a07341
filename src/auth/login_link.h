#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/auth/digest.h"

namespace bobbin::auth {

// Secrets that sign somebody in once: the link that `tools/run` prints. Kept in memory only, so a restart voids them.
//
// Thread-safe. Only hashes are kept, and a lookup compares with every one of them in constant time.
class LoginLinks {
 public:
  // At most `links_max` (1 or more) wait at a time: the oldest makes room.
  explicit LoginLinks(size_t links_max = 64);

  // A new secret for `user`, 43 characters that are safe in a URL, good for one redeem() before `now_s + ttl_s`.
  // `now_s` may be of any clock, as long as it is the same for both calls. Requires ttl_s > 0.
  std::string issue(std::string_view user, int64_t ttl_s, int64_t now_s);

  // The user that `secret` was made for, once. nullopt when it is unknown, spent or too old.
  std::optional<std::string> redeem(std::string_view secret, int64_t now_s);

 private:
  struct Link {
    Sha256 digest;
    std::string user;
    int64_t expires_s;
  };

  void drop_expired(int64_t now_s);

  const size_t links_max_;
  std::mutex mutex_;
  std::vector<Link> links_;  // oldest first
};

}  // namespace bobbin::auth
