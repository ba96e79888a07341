#pragma once

#include <condition_variable>
#include <thread>
#include <vector>

#include "storage/run_log_segments.h"

namespace bobbin::store {

// Lock order: writers_mutex, then a writer's, then that of Segments. Internal to storage.
struct RunLog::Impl {
  explicit Impl(RunLogOptions options) : segments(std::move(options)) {}

  void remove_writer(RunLogWriter& writer);
  // Calls `visit` with every writer; none is destroyed meanwhile.
  template <class Visit>
  void for_each_writer(Visit visit) {
    const std::lock_guard lock(writers_mutex);
    for (RunLogWriter* writer : writers) visit(*writer);
  }

  // There is something to sync or to remove.
  void wake();
  // The thread that syncs and removes.
  void serve();
  Result<void> remove_old();

  Segments segments;
  std::mutex writers_mutex;
  std::vector<RunLogWriter*> writers;

  std::mutex thread_mutex;
  std::condition_variable changed;
  bool awake = false;
  bool closing = false;
  std::thread thread;
};

}  // namespace bobbin::store
