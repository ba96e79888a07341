#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "src/base/result.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/loop/task.h"

namespace bobbin {

class BlockingPool;

// One piece of work that may block, and the coroutine that waits for it. Derive a named operation that owns its
// arguments and its result, and implement work(): `PageOp read(…); CO_TRY(co_await read.run(pool, loop));`
class BlockingJob : private Mail {
 public:
  // Runs work() on a thread of `pool`, then resumes on `loop`. Not cancellable: the job is short, and its memory must
  // stay until then. Errors: overloaded (the pool's queue is full; work() was not called). May be called again.
  Task<Result<void>> run(BlockingPool& pool, Loop& loop);

 protected:
  ~BlockingJob() = default;
  // On a pool thread. Touches only what the job owns and what is thread-safe.
  virtual void work() noexcept = 0;

 private:
  friend class BlockingPool;
  void deliver() noexcept final { done_.complete(); }

  Loop* loop_ = nullptr;
  BlockingJob* next_ = nullptr;
  Completion done_;
};

// A few threads for work that may block (disk reads, password hashing), with a bounded queue. libuv's own pool is
// one for all loops and DNS sits in it, so disk reads must not.
class BlockingPool {
 public:
  BlockingPool(size_t threads, size_t queue_max);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Finishes what was accepted and joins. Loops with jobs in flight must still be running.
  ~BlockingPool();

 private:
  friend class BlockingJob;
  bool try_push(BlockingJob& job);
  void serve();

  std::mutex mutex_;
  std::condition_variable not_empty_;
  BlockingJob* first_ = nullptr;
  BlockingJob** last_ = &first_;
  size_t count_ = 0;
  const size_t queue_max_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bobbin
