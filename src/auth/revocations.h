#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "src/auth/jwt.h"
#include "src/base/uuid.h"

namespace bobbin::auth {

// What speaks for a user no longer.
struct Revocation {
  std::string user;
  Uuid credential;  // a login or an API key; zero: all that the user has

  [[nodiscard]] bool ends(const Identity& identity) const noexcept {
    return identity.user == user && (credential.is_zero() || credential == identity.credential);
  }
};

// Tells every worker at once that something which was good is not. Thread-safe.
//
// Order: first the change is durable, then revoke(), then the answer. So whoever was answered finds every request that
// comes later refused, on every worker: what a worker remembers of good tokens is good for one version only.
class Revocations {
 public:
  class Watcher {
   public:
    // On whichever thread revokes; must not block, nor call back.
    virtual void on_revoked(const Revocation& revocation) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  // Each watcher is removed before it goes.
  void add(Watcher& watcher);
  void remove(Watcher& watcher);

  void revoke(const Revocation& revocation);

  // Counts up with each revocation. Take it before reading what a decision rests on.
  [[nodiscard]] uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  // Whether a revocation after `version` ends `identity`. Only the last kRemembered are known: with more in between
  // the answer is yes, to be safe.
  [[nodiscard]] bool has_ended(const Identity& identity, uint64_t version) const;

 private:
  static constexpr size_t kRemembered = 256;

  mutable std::mutex mutex_;
  std::atomic<uint64_t> version_{1};
  std::deque<Revocation> last_;  // the newest at the end
  std::vector<Watcher*> watchers_;
};

}  // namespace bobbin::auth
