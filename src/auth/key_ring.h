#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "src/auth/key.h"

namespace bobbin::auth {

// The keys of an issuer, which change while the server runs. Thread-safe: a set is immutable and goes with its last
// user, so whoever replaces it waits for nobody.
class KeyRing {
 public:
  explicit KeyRing(KeySet keys = {}) : keys_(std::make_shared<const KeySet>(std::move(keys))) {}
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  // Never null.
  [[nodiscard]] std::shared_ptr<const KeySet> keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  // Counts the sets. Ask before keys(): what was found with them is then never taken for the result of a newer set.
  [[nodiscard]] uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  void replace(KeySet keys) {
    auto set = std::make_shared<const KeySet>(std::move(keys));
    const std::lock_guard lock(mutex_);
    keys_.swap(set);
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  std::atomic<uint64_t> version_{1};
};

}  // namespace bobbin::auth
