#include "storage/run_log.h"

#include <algorithm>
#include <chrono>

#include "src/base/assert.h"
#include "storage/run_log_impl.h"

namespace bobbin::store {
namespace {

// How often old segments are looked for. Only while there are segments: an idle server sleeps.
constexpr std::chrono::seconds kRemovePeriod(60);

}  // namespace

RunLog::RunLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<RunLog>> RunLog::open(RunLogOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  TRY(impl->segments.open());
  return std::unique_ptr<RunLog>(new RunLog(std::move(impl)));
}

RunLog::~RunLog() {
  BOBBIN_ASSERT(impl_->writers.empty());
  {
    const std::lock_guard lock(impl_->thread_mutex);
    impl_->closing = true;
    impl_->changed.notify_one();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
  static_cast<void>(impl_->segments.sync_dirty());  // a failure was told to on_failure, and logged
}

void RunLog::start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->serve(); });
}

std::unique_ptr<RunLogWriter> RunLog::make_writer() {
  std::unique_ptr<RunLogWriter> writer(new RunLogWriter(*this));
  const std::lock_guard lock(impl_->writers_mutex);
  impl_->writers.push_back(writer.get());
  return writer;
}

void RunLog::Impl::remove_writer(RunLogWriter& writer) {
  const std::lock_guard lock(writers_mutex);
  std::erase(writers, &writer);
}

void RunLog::Impl::wake() {
  const std::lock_guard lock(thread_mutex);
  awake = true;
  changed.notify_one();
}

void RunLog::Impl::serve() {
  using Clock = std::chrono::steady_clock;
  constexpr auto kDelay = std::chrono::milliseconds(limits::kRunLogSyncDelayMs);
  Clock::time_point remove_at = Clock::now();
  while (true) {
    {
      std::unique_lock lock(thread_mutex);
      const auto is_called = [this] { return awake || closing; };
      if (segments.state().segments == 0) {
        changed.wait(lock, is_called);
      } else {
        changed.wait_until(lock, remove_at, is_called);
      }
      if (closing) return;
      // More is written meanwhile: one sync for all of it.
      if (awake) changed.wait_for(lock, kDelay, [this] { return closing; });
      if (closing) return;
      awake = false;
    }
    // Both fail for good or not at all; what is left to do then is to end, and somebody has been told.
    if (!segments.sync_dirty()) return;
    if (Clock::now() < remove_at) continue;
    remove_at = Clock::now() + kRemovePeriod;
    if (!remove_old()) return;
  }
}

Result<void> RunLog::Impl::remove_old() {
  // A segment that never fills would keep its text for as long as its worker has something to say.
  const int64_t begun_before_us = segments.options().steady_clock() - limits::kRunLogSegmentAgeUsMax;
  for_each_writer([&](RunLogWriter& writer) { writer.seal_if_begun_before(begun_before_us); });
  return segments.remove_old();
}

Result<void> RunLog::sync() { return impl_->segments.sync_dirty(); }

Result<void> RunLog::remove_old() { return impl_->remove_old(); }

void RunLog::forget(const std::vector<Uuid>& run_ids) {
  impl_->for_each_writer([&](RunLogWriter& writer) { writer.forget(run_ids); });
}

uint64_t RunLog::seal() {
  // First: a segment that a writer begins meanwhile is not below it, and every one below is sealed in the end.
  const uint64_t end = impl_->segments.next_number();
  impl_->for_each_writer([](RunLogWriter& writer) { writer.seal(); });
  return end;
}

Result<bool> RunLog::erase_before(uint64_t number) { return impl_->segments.remove_before(number); }

RunLogState RunLog::state() const { return impl_->segments.state(); }

}  // namespace bobbin::store
