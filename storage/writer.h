#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "storage/apply.h"
#include "storage/store.h"

namespace bobbin::store {

// The one thread that changes the store. It takes all operations that wait, applies them in order, commits them with
// one fsync and completes them; what arrives meanwhile is the next group. Internal to storage.
class Writer {
 public:
  struct Options {
    WallClock wall_clock;
    WallClock steady_clock;
    std::function<void(const std::vector<CommittedChange>&)> on_changes;  // after each commit, on the writer's thread
    void (*on_fatal)(const Error& error) noexcept;
  };

  Writer(const Database& database, uint64_t last_sequence, const Options& options);
  ~Writer() { close(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Applies `command` on this thread; it is durable after commit_now() at the latest. Only before start().
  Result<Reply> apply_now(Command command);
  Result<void> commit_now() { return write_batch(); }
  void start();

  // Errors: overloaded, draining, or the error that ended the writer.
  Result<void> submit(Operation& operation);
  // The disk has failed elsewhere: fails all that wait and calls on_fatal, on the writer thread. Any thread, after
  // start().
  void fail(const Error& error) noexcept;
  // Commits what waits and ends the thread. Idempotent; one thread.
  void close() noexcept;

  // Whether die() was reached. After close().
  [[nodiscard]] bool has_failed() const noexcept { return fatal_told_; }
  [[nodiscard]] bool serving() const noexcept { return serving_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t queue_depth() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t last_sequence() const noexcept { return committed_sequence_.load(std::memory_order_relaxed); }

 private:
  void run();
  // Applies one operation; commits the group around it where it must.
  void take(Operation& operation);
  // Writes the batch and completes the group.
  void commit_group();
  Result<void> write_batch();
  void complete_group();
  void die(const Error& error);

  const Database& database_;
  const Options options_;
  StampClock clock_;
  Batch batch_;
  Applier applier_;
  std::vector<Operation*> group_;
  std::optional<Error> dead_;  // the writer thread's own view
  bool fatal_told_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  Operation* head_ = nullptr;  // all below under mutex_
  Operation* tail_ = nullptr;
  bool closing_ = false;
  std::optional<Error> failure_;
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> serving_{false};
  std::atomic<uint64_t> committed_sequence_;
  std::thread thread_;
};

}  // namespace bobbin::store
