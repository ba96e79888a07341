#include "storage/writer.h"

#include <rocksdb/perf_level.h>

#include <cerrno>
#include <chrono>
#include <utility>

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
// How often a store that nobody asks anything looks whether there is room again.
constexpr std::chrono::seconds kLookWhileReadOnly{1};

}  // namespace

Writer::Writer(Database& database, DiskSpace& space, uint64_t last_sequence, const Options& options)
    : database_(database),
      space_(space),
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
  if (error.code == Code::storage_full) {
    full_elsewhere_ = true;
  } else if (!failure_) {
    failure_ = error;
  }
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
    bool full_elsewhere = false;
    {
      std::unique_lock lock(mutex_);
      wait(lock);
      next = head_;
      head_ = tail_ = nullptr;
      taken = waiting_.exchange(0, std::memory_order_relaxed);
      failure = failure_;
      closing = closing_;
      full_elsewhere = std::exchange(full_elsewhere_, false);
    }
    metrics::add(metrics::Gauge::store_queue_depth, -static_cast<int64_t>(taken));
    if (failure && !dead_) dead_ = failure;
    if (next == nullptr && closing && !dead_) return;
    if (full_elsewhere) space_.set_stopped(true);
    mind_space();
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

void Writer::wait(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] {
    return head_ != nullptr || closing_ || full_elsewhere_ || (failure_ && !fatal_told_);
  };
  if (space_.is_read_only() && !fatal_told_) {
    wake_.wait_for(lock, kLookWhileReadOnly, has_work);
  } else {
    wake_.wait(lock, has_work);
  }
}

void Writer::take(Operation& operation) {
  std::optional<Error> refused = refusal(operation);
  if (!refused && applier_.must_commit_before(operation.command)) {
    commit_group();
    refused = refusal(operation);
  }
  if (refused) {
    operation.reply_ = bobbin::fail(*refused);
    group_.push_back(&operation);
    return;
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

std::optional<Error> Writer::refusal(const Operation& operation) {
  if (dead_) return dead_;
  if (space_.is_stopped()) {
    // Nothing has been applied while it is stopped, so the batch is empty and RocksDB may be worked on.
    if (makes_room(operation.command) && space_.give_up_reserve()) resume();
    if (dead_) return dead_;
    if (space_.is_stopped()) return Error(Code::storage_full, ENOSPC, kStorageFullDetail);
  }
  if (space_.is_low() && grows(operation.command)) return Error(Code::storage_full, ENOSPC, kStorageFullDetail);
  return std::nullopt;
}

void Writer::commit_group() {
  const auto written = dead_ ? Result<void>() : write_batch();
  if (written) {
    complete_group();
    return;
  }
  std::vector<Operation*> again = fail_group(written.error());
  complete_group();
  if (again.empty()) return;
  for (Operation* operation : again) take(*operation);  // gives up the reserve, so this does not come back for ever
  commit_group();
}

Result<void> Writer::write_batch() {
  if (!batch_.empty()) {
    const rocksdb::Status status = database_.db().Write(commit_options(), &batch_.rocksdb_batch());
    if (!status.ok()) {
      batch_.drop(last_sequence());
      return bobbin::fail(Database::write_error(status));
    }
    metrics::add(metrics::Counter::store_commits);
    committed_sequence_.store(batch_.last_sequence(), std::memory_order_relaxed);
    options_.on_changes(batch_.changes());
    batch_.clear();
  }
  applier_.on_group_committed();
  return {};
}

std::vector<Operation*> Writer::fail_group(const Error& error) {
  std::vector<Operation*> again;
  if (error.code != Code::storage_full) {
    dead_ = error;
    for (Operation* operation : group_) operation->reply_ = bobbin::fail(error);
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = error;
    return again;
  }
  applier_.on_group_dropped();
  space_.set_stopped(true);
  const bool has_reserve = space_.has_reserve();
  std::vector<Operation*> failed;
  for (Operation* operation : group_) {
    const bool was_applied = operation->reply_->has_value();
    if (was_applied && has_reserve && makes_room(operation->command)) {
      again.push_back(operation);
      continue;
    }
    if (was_applied) operation->reply_ = bobbin::fail(error);
    failed.push_back(operation);
  }
  group_ = std::move(failed);
  return again;
}

void Writer::mind_space() {
  if (dead_) return;
  space_.look();
  if (space_.should_retry()) resume();
}

bool Writer::resume() {
  BOBBIN_ASSERT(batch_.empty());
  const Result<void> resumed = database_.resume();
  if (!resumed && resumed.error().code != Code::storage_full) {
    dead_ = resumed.error();
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = dead_;
  }
  if (resumed) {
    const std::lock_guard lock(mutex_);
    full_elsewhere_ = false;  // of the time before
  }
  space_.set_stopped(!resumed.has_value());
  return resumed.has_value();
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
