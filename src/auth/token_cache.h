#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "src/auth/digest.h"
#include "src/auth/jwt.h"
#include "src/base/result.h"

namespace bobbin::auth {

// Remembers which tokens were good, so that a client that sends the same one with every request costs a hash instead of
// a signature and two JSON documents.
//
// Belongs to one worker; not thread-safe. Entries are found by the SHA-256 of the whole token, so no two tokens can be
// taken for each other. Bad tokens are not kept: they would only push out good ones. At most `entries_max` identities
// in two generations: when the young one is full, the old one goes. All go when the verifier's keys change, so no token
// outlives its key.
class TokenCache {
 public:
  // `verifier` must outlive the cache.
  explicit TokenCache(const TokenVerifier& verifier, size_t entries_max = 8192);

  // As TokenVerifier::verify. A remembered token is refused from its `exp` on, like any other.
  Result<Identity> verify(std::string_view token, int64_t now_s);

  [[nodiscard]] size_t size() const noexcept { return young_.size() + old_.size(); }
  // How often a token was remembered. For tests and metrics.
  [[nodiscard]] uint64_t hits() const noexcept { return hits_; }

 private:
  struct DigestHash {
    size_t operator()(const Sha256& digest) const noexcept;
  };
  using Generation = std::unordered_map<Sha256, Identity, DigestHash>;

  void remember(const Sha256& digest, Identity identity);

  const TokenVerifier& verifier_;
  size_t generation_max_;
  uint64_t keys_version_;  // what is remembered was verified with
  uint64_t hits_ = 0;
  Generation young_;
  Generation old_;
};

}  // namespace bobbin::auth
