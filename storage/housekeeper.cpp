#include "storage/housekeeper.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/log.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/retention.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"
#include "storage/waiting_operation.h"

namespace bobbin::store {
namespace {

using std::chrono::seconds;

// Deletions that come together are erased together; and a pass that rewrites files is not repeated at once.
constexpr seconds kErasureDelay{2};
// When something still holds a file.
constexpr seconds kErasureRetry{20};
// Expired threads go at the latest so long after their time; all summaries are read for it.
constexpr seconds kSweepInterval{600};
// The change log is looked at after so many new entries too.
constexpr uint64_t kChangesBetweenTrims = 10'000;
constexpr size_t kTrimPieceMax = 1000;
constexpr size_t kExpirePieceMax = 256;
constexpr size_t kForgetPieceMax = 512;
constexpr size_t kScanBytesMax = 1024 * 1024;

// Disk and processor belong to those who wait for answers.
void lower_priority() noexcept {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  static_cast<void>(setpriority(PRIO_PROCESS, thread, 10));  // refused: then at the usual one
}

}  // namespace

Housekeeper::Housekeeper(const Database& database, Writer& writer, Options options)
    : database_(database),
      writer_(writer),
      options_(std::move(options)),
      changes_(database),
      reader_(database),
      eraser_({.database = database,
               .execute = [this](Command command) { return execute(std::move(command)); },
               .seal_run_log = options_.seal_run_log,
               .erase_run_log = options_.erase_run_log,
               .stop = stopping_}) {}

void Housekeeper::start() {
  thread_ = std::thread([this] {
    lower_priority();
    serve();
  });
}

void Housekeeper::stop() noexcept {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::on_changes(const std::vector<CommittedChange>& changes) noexcept {
  bool has_deletion = false;
  for (const CommittedChange& change : changes) {
    has_deletion |= change.operation == ChangeOperation::thread_deleted ||
                    change.operation == ChangeOperation::user_threads_deleted;
  }
  const std::lock_guard lock(mutex_);
  changes_since_trim_ += changes.size();
  if (!has_deletion && changes_since_trim_ < kChangesBetweenTrims) return;
  if (has_deletion) erasure_waits_ = true;
  wake_.notify_one();
}

void Housekeeper::serve() {
  seconds pause = kErasureDelay;  // the start of the process has other things to do
  std::chrono::steady_clock::time_point next_sweep;
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      if (pause == kSweepInterval) {
        wake_.wait_for(lock, pause,
                       [this] { return stopping_ || erasure_waits_ || changes_since_trim_ >= kChangesBetweenTrims; });
        pause = kErasureDelay;
      }
      wake_.wait_for(lock, pause, [this] { return stopping_.load(); });
    }
    if (stopping_) return;
    const bool sweeps = std::chrono::steady_clock::now() >= next_sweep;
    const Result<bool> done = run(sweeps);
    if (done && sweeps) next_sweep = std::chrono::steady_clock::now() + kSweepInterval;
    if (!done && !stopping_) {
      log::warn("housekeeping failed; it will be tried again",
                {{"error", code_name(done.error().code)}, {"detail", done.error().detail}});
    }
    pause = done && *done ? kSweepInterval : kErasureRetry;
  }
}

Result<bool> Housekeeper::run(bool sweeps) {
  const std::lock_guard one(pass_mutex_);
  {
    const std::lock_guard lock(mutex_);
    erasure_waits_ = false;
    changes_since_trim_ = 0;
  }
  // A summary that cannot be read must not keep what was deleted from being erased.
  const Result<void> expired = sweeps ? expire_threads() : Result<void>{};
  TRY(trim_changes());
  if (sweeps) TRY(forget_requests());
  TRY_ASSIGN(const bool erased, eraser_.run());
  TRY(expired);
  return erased;
}

Result<void> Housekeeper::expire_threads() {
  const int64_t now_us = options_.wall_clock();
  rocksdb::ReadOptions options = read_options();
  options.fill_cache = false;
  std::string first("\x01", 1);
  const std::string end("\xff", 1);
  std::string user;  // of the row before
  uint32_t user_keep_s = 0;
  for (bool more = true; more && !stopping_;) {
    std::vector<ExpireThread> due;
    {
      Scan scan(database_, Family::threads, Scan::Within::family, options, first, end);
      for (; scan.valid() && due.size() < kExpirePieceMax && !stopping_; scan.next()) {
        const auto key = parse_thread_key(scan.key());
        if (!key) return fail(corrupt_row(Family::threads, scan.key(), Error(Code::corrupt, 0, "not a thread key")));
        const auto summary = decode_summary(scan.value(), key->thread);
        if (!summary) return fail(corrupt_row(Family::threads, scan.key(), summary.error()));
        if (key->user != user) {
          user = key->user;
          TRY_ASSIGN(user_keep_s, reader_.read_user_keep_s(user, Tier::any));
        }
        const int64_t keep_s = shortest_keep_s(summary->keep_s, user_keep_s, options_.keep_s);
        const int64_t idle_since_us = now_us - keep_s * 1'000'000;
        if (keep_s == 0 || summary->updated_us > idle_since_us) continue;
        due.push_back({std::string(key->user), summary->thread, summary->incarnation, idle_since_us});
      }
      TRY(scan.status());
      more = scan.valid();
      if (more) first = scan.key();
    }
    for (ExpireThread& expire : due) TRY(execute(std::move(expire)));
  }
  return {};
}

Result<void> Housekeeper::forget_requests() {
  const int64_t oldest_us = options_.wall_clock() - kRequestKeptUs;
  rocksdb::ReadOptions options = read_options();
  options.fill_cache = false;
  std::string first("\x01", 1);
  const std::string end("\xff", 1);
  for (bool more = true; more && !stopping_;) {
    ForgetRequests forget;
    {
      Scan scan(database_, Family::idempotency, Scan::Within::family, options, first, end);
      for (; scan.valid() && forget.keys.size() < kForgetPieceMax && !stopping_; scan.next()) {
        const auto request = decode_request(scan.value());
        if (!request) return fail(corrupt_row(Family::idempotency, scan.key(), request.error()));
        if (request->created_us <= oldest_us) forget.keys.emplace_back(scan.key());
      }
      TRY(scan.status());
      more = scan.valid();
      if (more) first = scan.key();
    }
    if (!forget.keys.empty()) TRY(execute(std::move(forget)));
  }
  return {};
}

Result<void> Housekeeper::trim_changes() {
  const int64_t oldest_us = options_.wall_clock() - options_.changes_kept_us;
  while (!stopping_) {
    TRY_ASSIGN(const uint64_t first, changes_.first_kept(read_options()));
    TRY_ASSIGN(const ChangesPage page, changes_.read_changes(first - 1, kTrimPieceMax, kScanBytesMax));
    TrimChanges trim;
    for (const ChangeEntry& change : page.changes) {
      const bool too_many = page.last_sequence - change.sequence >= options_.changes_kept_max;
      if (change.sequence == page.last_sequence || (change.at_us >= oldest_us && !too_many)) break;
      trim.changes.push_back({change.sequence, change.operation, change.user});
    }
    if (trim.changes.empty()) return {};
    TRY(execute(std::move(trim)));
  }
  return {};
}

Result<Reply> Housekeeper::execute(Command command) {
  WaitingOperation operation(std::move(command));
  TRY(writer_.submit(operation));
  return operation.wait();
}

}  // namespace bobbin::store
