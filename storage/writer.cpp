#include "storage/writer.h"

#include <rocksdb/perf_level.h>

#include "src/base/assert.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

// One group's bytes: beyond it the first in the group would wait long for the last one's text to be written.
constexpr size_t kGroupBytesMax = 4 * 1024 * 1024;
// One group's commands. A batch goes into one write buffer whole, however small that is, and is flushed by the next
// write only: thousands of moves in one batch would stay between the rows of a list. An fsync for this many is cheap.
constexpr size_t kGroupCommandsMax = 256;

}  // namespace

Writer::Writer(const Database& database, uint64_t last_sequence, const Options& options)
    : database_(database),
      options_(options),
      clock_(options.wall_clock, options.steady_clock),
      batch_(database, last_sequence),
      applier_(database, batch_, clock_, options.wall_clock),
      committed_sequence_(last_sequence) {}

Result<Reply> Writer::apply_now(Command command) {
  BOBBIN_ASSERT(!thread_.joinable());
  Result<Reply> reply = applier_.apply(command);
  if (batch_.bytes() >= kGroupBytesMax) TRY(write_batch());
  return reply;
}

void Writer::start() {
  serving_.store(true, std::memory_order_relaxed);
  thread_ = std::thread([this] {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);  // counters that nobody reads
    run();
  });
}

Result<void> Writer::submit(Operation& operation) {
  const std::lock_guard lock(mutex_);
  if (failure_) return bobbin::fail(*failure_);
  if (closing_) return bobbin::fail(Code::draining, 0, "the store is closing");
  if (waiting_.load(std::memory_order_relaxed) >= limits::kWriterQueueMax) {
    return bobbin::fail(Code::overloaded, 0, "too many changes wait for the disk");
  }
  operation.next_ = nullptr;
  operation.reply_.reset();
  const bool was_empty = head_ == nullptr;
  (was_empty ? head_ : tail_->next_) = &operation;
  tail_ = &operation;
  waiting_.fetch_add(1, std::memory_order_relaxed);
  metrics::add(metrics::Gauge::store_queue_depth, 1);
  if (was_empty) wake_.notify_one();
  return {};
}

void Writer::fail(const Error& error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = error;
  wake_.notify_one();
}

void Writer::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  serving_.store(false, std::memory_order_relaxed);
}

void Writer::run() {
  while (true) {
    Operation* next = nullptr;
    size_t taken = 0;
    std::optional<Error> failure;
    bool closing = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return head_ != nullptr || closing_ || (failure_ && !fatal_told_); });
      next = head_;
      head_ = tail_ = nullptr;
      taken = waiting_.exchange(0, std::memory_order_relaxed);
      failure = failure_;
      closing = closing_;
    }
    metrics::add(metrics::Gauge::store_queue_depth, -static_cast<int64_t>(taken));
    if (failure && !dead_) dead_ = failure;
    if (next == nullptr && closing && !dead_) return;
    while (next != nullptr) {
      Operation* const operation = next;
      next = operation->next_;  // read first: on_committed may free the operation
      take(*operation);
    }
    commit_group();
    if (dead_) {
      die(*dead_);
      if (closing) return;
    }
  }
}

void Writer::take(Operation& operation) {
  if (dead_) {
    operation.reply_ = bobbin::fail(*dead_);
    group_.push_back(&operation);
    return;
  }
  if (applier_.must_commit_before(operation.command)) {
    commit_group();
    if (dead_) return take(operation);
  }
  operation.reply_ = applier_.apply(operation.command);
  group_.push_back(&operation);
  if (const Result<Reply>& reply = *operation.reply_; reply) {
    const auto* submitted = std::get_if<Submitted>(&*reply);
    if (submitted != nullptr && submitted->state == Submitted::State::started) operation.on_applied(*reply);
  }
  if (Applier::must_commit_after(operation.command) || batch_.bytes() >= kGroupBytesMax ||
      group_.size() >= kGroupCommandsMax) {
    commit_group();
  }
}

void Writer::commit_group() {
  if (const auto written = dead_ ? Result<void>() : write_batch(); !written) {
    dead_ = written.error();
    for (Operation* operation : group_) operation->reply_ = bobbin::fail(*dead_);
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = *dead_;
  }
  complete_group();
}

Result<void> Writer::write_batch() {
  if (!batch_.empty()) {
    const rocksdb::Status status = database_.db().Write(commit_options(), &batch_.rocksdb_batch());
    if (status.ok()) {
      metrics::add(metrics::Counter::store_commits);
      committed_sequence_.store(batch_.last_sequence(), std::memory_order_relaxed);
      options_.on_changes(batch_.changes());
    }
    batch_.clear();
    if (!status.ok()) return bobbin::fail(from_rocksdb(status));
  }
  applier_.on_group_committed();
  return {};
}

void Writer::complete_group() {
  metrics::add(metrics::Counter::store_commands, group_.size());
  for (Operation* operation : group_) {
    Result<Reply> reply = std::move(*operation->reply_);
    operation->on_committed(std::move(reply));
  }
  group_.clear();
}

void Writer::die(const Error& error) {
  if (fatal_told_) return;
  fatal_told_ = true;
  serving_.store(false, std::memory_order_relaxed);
  log::error("the store has failed; no change is taken any more",
             {{"code", code_name(error.code)}, {"number", error.number}, {"detail", error.detail}});
  if (options_.on_fatal != nullptr) options_.on_fatal(error);
}

}  // namespace bobbin::store
