#include "src/auth/token_cache.h"

#include <cstring>
#include <utility>

#include "src/base/assert.h"
#include "src/base/limits.h"

namespace bobbin::auth {

TokenCache::TokenCache(const TokenVerifier& verifier, size_t entries_max)
    : verifier_(verifier), generation_max_(entries_max / 2), keys_version_(verifier.keys_version()) {
  BOBBIN_ASSERT(entries_max >= 2);
}

size_t TokenCache::DigestHash::operator()(const Sha256& digest) const noexcept {
  // The bytes of a digest are evenly spread already.
  size_t hash;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

Result<Identity> TokenCache::verify(std::string_view token, int64_t now_s) {
  if (token.size() > limits::kJwtBytesMax) return verifier_.verify(token, now_s);  // which refuses it, unhashed
  // Before the keys are used: an identity found with older ones goes with the next call.
  if (const uint64_t version = verifier_.keys_version(); version != keys_version_) {
    young_.clear();
    old_.clear();
    keys_version_ = version;
  }
  const Sha256 digest = sha256(token);
  for (Generation* generation : {&young_, &old_}) {
    const auto found = generation->find(digest);
    if (found == generation->end()) continue;
    if (found->second.expires_us <= now_s * 1'000'000) {
      generation->erase(found);
      return fail(Code::unauthorized, 0, "the token has expired");
    }
    ++hits_;
    Identity identity = found->second;
    if (generation == &old_) {
      old_.erase(found);
      remember(digest, identity);
    }
    return identity;
  }
  TRY_ASSIGN(Identity identity, verifier_.verify(token, now_s));
  remember(digest, identity);
  return identity;
}

void TokenCache::remember(const Sha256& digest, Identity identity) {
  if (young_.size() >= generation_max_) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(digest, std::move(identity));
}

}  // namespace bobbin::auth
