#include "src/loop/offload.h"

namespace bobbin {

Task<Result<void>> BlockingJob::run(BlockingPool& pool, Loop& loop) {
  loop_ = &loop;
  done_.reset();
  if (!pool.try_push(*this)) co_return fail(Code::overloaded, 0, "the server is busy reading; try again");
  co_await done_;
  co_return Result<void>{};
}

BlockingPool::BlockingPool(size_t threads, size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  not_empty_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingPool::try_push(BlockingJob& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || count_ == queue_max_) return false;
    job.next_ = nullptr;
    *last_ = &job;
    last_ = &job.next_;
    ++count_;
  }
  not_empty_.notify_one();
  return true;
}

void BlockingPool::serve() {
  for (;;) {
    BlockingJob* job;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return first_ != nullptr || stopping_; });
      if (first_ == nullptr) return;
      job = first_;
      first_ = job->next_;
      if (first_ == nullptr) last_ = &first_;
      --count_;
    }
    job->work();
    job->loop_->mailbox().post(*job);
  }
}

}  // namespace bobbin
