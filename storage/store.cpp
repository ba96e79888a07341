#include "storage/store.h"

#include <mutex>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "storage/account_reader.h"
#include "storage/change_reader.h"
#include "storage/database.h"
#include "storage/disk_space.h"
#include "storage/housekeeper.h"
#include "storage/reader.h"
#include "storage/recovery.h"
#include "storage/retention.h"
#include "storage/waiting_operation.h"
#include "storage/writer.h"

namespace bobbin::store {
namespace {

DiskSpace::Options space_options(const StoreOptions& options) {
  return {options.directory, options.file_system, options.space_low_bytes, options.reserve_bytes, options.steady_clock};
}

}  // namespace

struct Store::Impl {
  // Flushes, compactions and syncs of the run log may fail from the moment the database opens until it is closed:
  // before and after the writer.
  std::mutex mutex;
  Writer* to_tell = nullptr;
  std::optional<Error> early_failure;

  // Destroyed from below: the writer before the database that it uses.
  std::optional<DiskSpace> space;
  std::unique_ptr<Database> database;
  std::optional<Reader> reader;
  std::optional<AccountReader> accounts;
  std::optional<ChangeReader> changes;
  ChangeListener* listener = nullptr;
  uint32_t keep_s = 0;
  std::optional<Writer> writer;
  std::unique_ptr<RunLog> run_log;
  std::optional<Housekeeper> housekeeper;

  static Result<std::unique_ptr<Store>> open(const StoreOptions& options);

  ~Impl() {
    if (housekeeper) housekeeper->stop();
    if (writer) writer->close();
    if (writer && writer->has_failed()) database->abandon();
    const std::lock_guard lock(mutex);
    to_tell = nullptr;
  }

  // On a thread of RocksDB or of the run log.
  void on_background_error(const Error& error) {
    const std::lock_guard lock(mutex);
    if (to_tell != nullptr) {
      to_tell->fail(error);
    } else if (!early_failure) {
      early_failure = error;
    }
  }
  void tell(const std::vector<CommittedChange>& committed) noexcept {
    housekeeper->on_changes(committed);
    if (listener != nullptr) listener->on_changes(committed);
  }
  Result<void> start_writer() {
    const std::lock_guard lock(mutex);
    if (early_failure && early_failure->code != Code::storage_full) return fail(*early_failure);
    space->look();
    if (early_failure) space->set_stopped(true);
    writer->start();
    to_tell = &*writer;
    return {};
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
  auto opened = Impl::open(options);
  if (opened || opened.error().code != Code::storage_full) return opened;
  // On a full disk the reserve is what opening may need: the end of the log, the manifest, the end of cut runs.
  if (!DiskSpace(space_options(options)).give_up_reserve()) return opened;
  log::warn("no room to open the store: the reserve is given up", {});
  return Impl::open(options);
}

Result<std::unique_ptr<Store>> Store::Impl::open(const StoreOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->space.emplace(space_options(options));
  TRY_ASSIGN(impl->database,
             Database::open(options.directory, {options.block_cache_bytes, options.file_system, options.option_trial},
                            [raw = impl.get()](const Error& error) { raw->on_background_error(error); }));
  TRY_ASSIGN(impl->run_log,
             RunLog::open({.directory = options.directory + "/runlog",
                           .file_system = options.file_system,
                           .wall_clock = options.wall_clock,
                           .steady_clock = options.steady_clock,
                           .on_failure = [raw = impl.get()](const Error& error) { raw->on_background_error(error); }}));
  TRY_ASSIGN(const uint64_t last_sequence, read_last_sequence(*impl->database));
  impl->reader.emplace(*impl->database);
  impl->accounts.emplace(*impl->database);
  impl->writer.emplace(
      *impl->database, *impl->space, last_sequence,
      Writer::Options{.wall_clock = options.wall_clock,
                      .steady_clock = options.steady_clock,
                      .on_changes = [raw = impl.get()](const auto& committed) { raw->tell(committed); },
                      .on_fatal = options.on_fatal});
  impl->changes.emplace(*impl->database);
  impl->listener = options.listener;
  impl->keep_s = options.keep_s;
  impl->housekeeper.emplace(
      *impl->database, *impl->writer,
      Housekeeper::Options{
          .wall_clock = options.wall_clock,
          .keep_s = options.keep_s,
          .changes_kept_max = options.changes_kept_max,
          .changes_kept_us = options.changes_kept_us,
          .seal_run_log = [raw = impl.get()] { return raw->run_log->seal(); },
          .erase_run_log = [raw = impl.get()](uint64_t end) { return raw->run_log->erase_before(end); }});
  TRY_ASSIGN(std::vector<FinishRun> interrupted, interrupted_runs(*impl->database, *impl->run_log));
  for (FinishRun& finish : interrupted) {
    const std::string thread = finish.thread;
    TRY_ASSIGN(const Reply reply, impl->writer->apply_now(std::move(finish)));
    if (!std::get<Finished>(reply).applied) {
      log::error("a run is in the queue, but its thread does not know it", {{"thread", thread}});
      return fail(Code::corrupt, 0, "a run in the queue is not its thread's active one");
    }
    metrics::add(metrics::Counter::runs_interrupted);
  }
  TRY(impl->writer->commit_now());
  if (!interrupted.empty()) log::warn("runs were active when the last process ended", {{"count", interrupted.size()}});
  TRY(impl->start_writer());
  impl->run_log->start();
  impl->housekeeper->start();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::~Store() { close(); }

Result<void> Store::submit(Operation& operation) { return impl_->writer->submit(operation); }

Result<Reply> Store::execute(Command command) {
  WaitingOperation operation(std::move(command));
  TRY(submit(operation));
  return operation.wait();
}

Result<HistoryPage> Store::read_history(const HistoryQuery& query, Tier tier) {
  return impl_->reader->read_history(query, tier);
}

Result<SessionsPage> Store::list_sessions(const SessionsQuery& query, Tier tier) {
  return impl_->reader->list_sessions(query, tier);
}

Result<std::optional<ThreadSummary>> Store::find_thread(const std::string& user, const std::string& thread, Tier tier) {
  return impl_->reader->find_thread(user, thread, tier);
}

Result<std::vector<QueuedSubmit>> Store::read_queue(const std::string& user, const std::string& thread, Tier tier) {
  return impl_->reader->read_queue(user, thread, tier);
}

Result<std::optional<RunInfo>> Store::find_run(const std::string& user, const std::string& thread, const Uuid& run_id,
                                               Tier tier) {
  return impl_->reader->find_run(user, thread, run_id, tier);
}

Result<std::optional<Message>> Store::find_message(const std::string& user, const std::string& thread, uint64_t order,
                                                   Tier tier) {
  return impl_->reader->find_message(user, thread, order, tier);
}

Result<std::vector<Memory>> Store::read_memories(const std::string& user, const std::string& thread, Tier tier) {
  return impl_->reader->read_memories(user, thread, tier);
}

Result<std::optional<std::string>> Store::read_setting(const std::string& user, std::string_view name, Tier tier) {
  return impl_->reader->read_setting(user, name, tier);
}

Result<uint32_t> Store::read_keep_s(const std::string& user, Tier tier) {
  TRY_ASSIGN(const uint32_t users_own, impl_->reader->read_user_keep_s(user, tier));
  return shortest_keep_s(0, users_own, impl_->keep_s);
}

const AccountReader& Store::accounts() const noexcept { return *impl_->accounts; }

Result<ChangesPage> Store::read_changes(uint64_t after, uint32_t limit, size_t bytes_max) {
  return impl_->changes->read_changes(after, limit, bytes_max);
}

Result<FeedPage> Store::read_feed(const std::string& user, uint64_t after, uint32_t limit) {
  return impl_->changes->read_feed(user, after, limit);
}

Result<std::optional<FollowedRow>> Store::read_row(const ChangedKey& key) { return impl_->changes->read_row(key); }

Result<SnapshotPiece> Store::read_snapshot(const std::optional<SnapshotCursor>& cursor, size_t bytes_max) {
  return impl_->changes->read_snapshot(cursor, bytes_max);
}

Result<std::optional<uint64_t>> Store::follower_position(const std::string& name) {
  return impl_->changes->follower_position(name);
}

Result<bool> Store::keep_house() { return impl_->housekeeper->run_now(); }

Result<std::vector<UnfinishedThread>> Store::unfinished_threads() { return impl_->reader->unfinished_threads(); }

RunLog& Store::run_log() noexcept { return *impl_->run_log; }

StoreState Store::state() const noexcept {
  const Writer& writer = *impl_->writer;
  return {.serving = writer.serving(),
          .read_only = impl_->space->is_read_only(),
          .read_only_reason = impl_->space->reason(),
          .queue_depth = writer.queue_depth(),
          .last_sequence = writer.last_sequence()};
}

Result<BackupReport> Store::backup(const BackupOptions& options, Watch& watch) {
  TRY(impl_->run_log->sync());
  return create_backup(*impl_->database, options, watch);
}

Result<VerifyReport> Store::verify(const VerifyOptions& options, Watch& watch) {
  if (options.repair) return fail(Code::invalid, 0, "a store that is served cannot be repaired: stop the server first");
  return store::verify(*impl_->database, options, watch);
}

Result<DoctorReport> Store::examine() { return store::examine(impl_->database->directory(), impl_->database.get()); }

void Store::close() noexcept {
  impl_->housekeeper->stop();
  impl_->writer->close();
}

}  // namespace bobbin::store
