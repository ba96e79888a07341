#include "src/auth/revocations.h"

#include <algorithm>

namespace bobbin::auth {

void Revocations::add(Watcher& watcher) {
  const std::scoped_lock lock(mutex_);
  watchers_.push_back(&watcher);
}

void Revocations::remove(Watcher& watcher) {
  const std::scoped_lock lock(mutex_);
  std::erase(watchers_, &watcher);
}

void Revocations::revoke(const Revocation& revocation) {
  const std::scoped_lock lock(mutex_);
  last_.push_back(revocation);
  if (last_.size() > kRemembered) last_.pop_front();
  version_.fetch_add(1, std::memory_order_release);
  for (Watcher* watcher : watchers_) watcher->on_revoked(revocation);
}

bool Revocations::has_ended(const Identity& identity, uint64_t version) const {
  if (version == this->version()) return false;
  const std::scoped_lock lock(mutex_);
  const uint64_t since = version_.load(std::memory_order_relaxed) - version;
  if (since > last_.size()) return true;
  return std::any_of(last_.end() - static_cast<std::ptrdiff_t>(since), last_.end(),
                     [&](const Revocation& revocation) { return revocation.ends(identity); });
}

}  // namespace bobbin::auth
