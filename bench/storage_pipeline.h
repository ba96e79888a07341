#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/store.h"

// What the storage benchmark is made of: failing loudly, a stopwatch, many commands under way.
namespace bobbin::store {

[[noreturn]] inline void give_up(const char* what, const Error& error) {
  std::fprintf(stderr, "%s: %s: %s (%d)\n", what, code_name(error.code), error.detail, error.number);
  std::exit(1);
}

template <class T>
T must(Result<T> result, const char* what) {
  if (!result) give_up(what, result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline double microseconds(const std::function<void()>& work) {
  const auto from = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Sends commands without waiting for each, so that groups form as under load.
class Pipeline {
 public:
  explicit Pipeline(Store& store) : store_(store) {}
  ~Pipeline() { drain(); }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void send(Command command) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return open_ < kWindow; });
      ++open_;
    }
    auto* sent = new Sent(std::move(command), *this);  // frees itself when it is committed
    must(store_.submit(*sent), "submit");
  }
  void drain() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return open_ == 0; });
  }

 private:
  static constexpr size_t kWindow = 2048;
  struct Sent final : Operation {
    Sent(Command command_in, Pipeline& pipeline_in) : Operation(std::move(command_in)), pipeline(pipeline_in) {}
    void on_committed(Result<Reply> reply) noexcept override {
      if (!reply) give_up("command", reply.error());
      Pipeline& to = pipeline;
      delete this;
      const std::lock_guard lock(to.mutex_);
      --to.open_;
      to.room_.notify_one();
    }
    Pipeline& pipeline;
  };

  Store& store_;
  std::mutex mutex_;
  std::condition_variable room_;
  size_t open_ = 0;
};

}  // namespace bobbin::store
