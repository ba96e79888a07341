#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "src/loop/loop.h"
#include "storage/store.h"

namespace bobbin::chat {

class FeedEar;
class FeedRelay;

// One user's changes, as one worker waits for them. Made and destroyed on the worker's loop.
class FeedWatch {
 public:
  FeedWatch(const FeedWatch&) = delete;
  FeedWatch& operator=(const FeedWatch&) = delete;

 protected:
  // From here on every change of `user` is news. The ear outlives the watch.
  FeedWatch(FeedEar& ear, std::string user);
  ~FeedWatch();

  // Changes of this user became durable: the first and the last that were not told yet. On the loop; may destroy the
  // watch.
  virtual void on_news(uint64_t first_sequence, uint64_t last_sequence) noexcept = 0;

  [[nodiscard]] const std::string& user() const noexcept { return user_; }

 private:
  friend class FeedEar;
  friend class FeedRelay;

  FeedEar& ear_;
  const std::string user_;
  // Under the relay's mutex.
  FeedWatch* next_watch_ = nullptr;  // of the same user
  FeedWatch* next_news_ = nullptr;   // of the same ear
  uint64_t first_sequence_ = 0;      // 0: no news
  uint64_t last_sequence_ = 0;
};

// Where one worker hears of news: one mail, that is in flight at most once. Its watches go before it, and it is not
// destroyed before its loop's mailbox has closed.
class FeedEar final : private Mail {
 public:
  // Both outlive it.
  FeedEar(FeedRelay& relay, Loop& loop) : relay_(relay), loop_(loop) {}
  ~FeedEar() = default;

 private:
  friend class FeedRelay;
  friend class FeedWatch;
  void deliver() noexcept override;

  FeedRelay& relay_;
  Loop& loop_;
  // Under the relay's mutex: the watches with news, oldest first.
  FeedWatch* first_ = nullptr;
  FeedWatch* last_ = nullptr;
  bool posted_ = false;
};

// From the store's writer to the workers: which of the users that they watch have changes. One for all workers,
// thread-safe.
class FeedRelay final : public store::ChangeListener {
 public:
  FeedRelay() = default;
  FeedRelay(const FeedRelay&) = delete;
  FeedRelay& operator=(const FeedRelay&) = delete;
  // No watch is left.
  ~FeedRelay();

  // A change of a user whom nobody watches costs one look-up. Allocates nothing; waits only for workers that come, go
  // or take their news, none of which does more than move pointers.
  void on_changes(const std::vector<store::CommittedChange>& changes) noexcept override;

 private:
  friend class FeedEar;
  friend class FeedWatch;
  struct News {
    FeedWatch* watch = nullptr;
    uint64_t first_sequence = 0;
    uint64_t last_sequence = 0;
  };
  void add(FeedWatch& watch);
  void remove(FeedWatch& watch) noexcept;
  // The ear's oldest news. None: the next one posts its mail again.
  News take(FeedEar& ear) noexcept;
  static void add_news(FeedWatch& watch, uint64_t sequence) noexcept;

  std::mutex mutex_;
  std::unordered_map<std::string, FeedWatch*> watches_;  // by user; the first of those with the same
};

}  // namespace bobbin::chat
