#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "storage/apply.h"
#include "storage/disk_space.h"
#include "storage/store.h"

namespace bobbin::store {

// The one thread that changes the store. It takes all operations that wait, applies them in order, commits them with
// one fsync and completes them; what arrives meanwhile is the next group. Internal to storage.
//
// A group that finds no room on the disk fails with storage_full and leaves no trace: the batch is dropped, what the
// applier remembers is forgotten. From then on the writer is stopped (disk_space.h) until RocksDB writes again, which
// it tries once a second, and at once when the reserve can be given up for a delete.
class Writer {
 public:
  struct Options {
    WallClock wall_clock;
    WallClock steady_clock;
    std::function<void(const std::vector<CommittedChange>&)> on_changes;  // after each commit, on the writer's thread
    void (*on_fatal)(const Error& error) noexcept;
  };

  Writer(Database& database, DiskSpace& space, uint64_t last_sequence, const Options& options);
  ~Writer() { close(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Applies `command` on this thread; it is durable after commit_now() at the latest. Only before start().
  Result<Reply> apply_now(Command command);
  Result<void> commit_now() { return write_batch(); }
  void start();

  // Errors: overloaded, draining, or the error that ended the writer.
  Result<void> submit(Operation& operation);
  // The disk has failed elsewhere: fails all that wait and calls on_fatal, on the writer thread; storage_full: stops
  // until there is room. Any thread, after start().
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
  // Waits until there is something to do, and for a second at most while the store is read-only.
  void wait(std::unique_lock<std::mutex>& lock);
  // Applies one operation; commits the group around it where it must.
  void take(Operation& operation);
  // Why the operation may not be applied at all now. May give up the reserve for it.
  std::optional<Error> refusal(const Operation& operation);
  // Writes the batch and completes the group. Operations that make room are tried once more, by the reserve.
  void commit_group();
  Result<void> write_batch();
  // The group has failed: replies, and what was applied is forgotten. Gives the operations that deserve another try.
  std::vector<Operation*> fail_group(const Error& error);
  void complete_group();
  // Looks at the disk; when stopped, tries to go on if it is time.
  void mind_space();
  // Whether RocksDB writes again.
  bool resume();
  void die(const Error& error);

  Database& database_;
  DiskSpace& space_;
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
  bool full_elsewhere_ = false;  // a flush or compaction has found no room
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> serving_{false};
  std::atomic<uint64_t> committed_sequence_;
  std::thread thread_;
};

}  // namespace bobbin::store
