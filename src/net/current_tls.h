#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "src/net/tls.h"

namespace bobbin::net {

// What new connections of a server begin with. May be exchanged while it serves: connections that are open go on with
// what they began with. Any thread.
class CurrentTls {
 public:
  explicit CurrentTls(std::shared_ptr<const TlsContext> context) noexcept : context_(std::move(context)) {}

  [[nodiscard]] std::shared_ptr<const TlsContext> get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  void set(std::shared_ptr<const TlsContext> context) {
    const std::lock_guard lock(mutex_);
    context_.swap(context);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> context_;
};

}  // namespace bobbin::net
