#include "src/auth/login_link.h"

#include <algorithm>
#include <array>

#include "src/auth/base64url.h"
#include "src/base/assert.h"
#include "src/base/uuid.h"

namespace bobbin::auth {

LoginLinks::LoginLinks(size_t links_max) : links_max_(links_max) { BOBBIN_ASSERT(links_max > 0); }

std::string LoginLinks::issue(std::string_view user, int64_t ttl_s, int64_t now_s) {
  BOBBIN_ASSERT(ttl_s > 0);
  std::string secret = random_secret(32);

  const std::scoped_lock lock(mutex_);
  drop_expired(now_s);
  if (links_.size() >= links_max_) links_.erase(links_.begin());
  links_.push_back({.digest = sha256(secret), .user = std::string(user), .expires_s = now_s + ttl_s});
  return secret;
}

std::optional<std::string> LoginLinks::redeem(std::string_view secret, int64_t now_s) {
  const Sha256 digest = sha256(secret);
  const std::scoped_lock lock(mutex_);
  drop_expired(now_s);
  size_t found = links_.size();
  // To the end, also after a match.
  for (size_t i = 0; i < links_.size(); ++i) {
    if (equal_in_constant_time(as_text(links_[i].digest), as_text(digest))) found = i;
  }
  if (found == links_.size()) return std::nullopt;
  std::string user = std::move(links_[found].user);
  links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(found));
  return user;
}

void LoginLinks::drop_expired(int64_t now_s) {
  std::erase_if(links_, [now_s](const Link& link) { return link.expires_s <= now_s; });
}

}  // namespace bobbin::auth
