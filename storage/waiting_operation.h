#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "storage/store.h"

namespace bobbin::store {

// An operation whose maker waits for it on its own thread, which may block and is not the writer's. Internal to
// storage.
class WaitingOperation final : public Operation {
 public:
  using Operation::Operation;
  // Under the lock to its end, so that the waiter cannot leave, and take the condition variable with it, before the
  // notification is over.
  void on_committed(Result<Reply> reply) noexcept override {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    done_.notify_one();
  }
  // After it was submitted. Once.
  Result<Reply> wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return reply_.has_value(); });
    return std::move(*reply_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<Result<Reply>> reply_;
};

}  // namespace bobbin::store
