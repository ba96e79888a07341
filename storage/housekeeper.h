#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/change_reader.h"
#include "storage/eraser.h"
#include "storage/reader.h"
#include "storage/store.h"
#include "storage/writer.h"

namespace bobbin::store {

// The store's one slow thread, at low priority: erases what was deleted, deletes what has been kept long enough, trims
// the change log. All it changes it asks the writer for. Internal to storage.
class Housekeeper {
 public:
  struct Options {
    WallClock wall_clock;
    uint32_t keep_s = 0;  // the server's limit (storage/retention.h)
    uint64_t changes_kept_max = 0;
    int64_t changes_kept_us = 0;
    std::function<uint64_t()> seal_run_log;  // as Eraser::Parts says
    std::function<Result<bool>(uint64_t)> erase_run_log;
  };
  Housekeeper(const Database& database, Writer& writer, Options options);
  ~Housekeeper() { stop(); }
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  void start();
  // Ends what is under way soon. Idempotent.
  void stop() noexcept;

  // On the writer thread, after each commit.
  void on_changes(const std::vector<CommittedChange>& changes) noexcept;

  // Does on this thread what is due now, whenever the next pass would be. True: nothing waits to be erased any more.
  Result<bool> run_now() { return run(true); }

 private:
  void serve();
  // One pass; with `sweeps` it also looks for what has been kept long enough.
  Result<bool> run(bool sweeps);
  Result<void> expire_threads();
  Result<void> trim_changes();
  Result<void> forget_requests();
  Result<Reply> execute(Command command);

  const Database& database_;
  Writer& writer_;
  const Options options_;
  const ChangeReader changes_;
  const Reader reader_;
  std::atomic<bool> stopping_{false};
  Eraser eraser_;

  std::mutex pass_mutex_;  // one pass at a time
  std::mutex mutex_;
  std::condition_variable wake_;
  bool erasure_waits_ = true;  // at start: perhaps from the process before
  uint64_t changes_since_trim_ = 0;
  std::thread thread_;
};

}  // namespace bobbin::store
