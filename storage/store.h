#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/result.h"
#include "src/base/text_arena.h"
#include "storage/account_reader.h"
#include "storage/backup.h"
#include "storage/commands.h"
#include "storage/cursor.h"
#include "storage/doctor.h"
#include "storage/follow.h"
#include "storage/run_log.h"
#include "storage/types.h"
#include "storage/verify.h"

namespace rocksdb {
class FileSystem;
}

// The store: commands go to one writer thread that commits many of them with one fsync; queries read a snapshot on the
// caller's thread. It blocks and knows no loop. Handlers and runs use nothing of storage but this file and what it
// includes.
namespace bobbin::store {
struct OptionTrial;

// Told of every group of changes that has become durable, before the answers of its commands.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  // On the writer thread; must not block. `changes` are in the order of their sequences.
  virtual void on_changes(const std::vector<CommittedChange>& changes) noexcept = 0;
};

struct StoreOptions {
  std::string directory;  // made with mode 0700 when missing; one process at a time
  WallClock wall_clock = wall_now_us;
  WallClock steady_clock = steady_now_us;            // judges the wall clock: see storage/stamp_clock.h
  size_t block_cache_bytes = 32 * 1024 * 1024;       // blocks, indexes and filters, all in it
  std::shared_ptr<rocksdb::FileSystem> file_system;  // under every file of the store; null: the system's own
  // Room on the disk; storage/disk_space.h says what is refused when.
  uint64_t space_low_bytes = 64 * 1024 * 1024;  // with less than this free nothing grows; 0: never
  uint64_t reserve_bytes = 16 * 1024 * 1024;    // kept in a file for deletes on a full disk; 0: none
  ChangeListener* listener = nullptr;           // outlives the store
  uint32_t keep_s = 0;                          // the server's limit, as storage/retention.h says; 0: none
  const OptionTrial* option_trial = nullptr;    // of a benchmark: see storage/rocksdb_options.h
  uint64_t changes_kept_max = limits::kChangesKeptMax;
  int64_t changes_kept_us = limits::kChangesKeptUs;
  // Called once, on a thread of the store, when the disk has failed: the process should end. `number` is errno where it
  // is known, else RocksDB's subcode. Every command that waits has failed with the same error. Null: only logged.
  void (*on_fatal)(const Error& error) noexcept = nullptr;
};

// One command on its way. Owned by the caller, who keeps it in one place from a successful submit() until on_committed.
class Operation {
 public:
  explicit Operation(Command command_in) : command(std::move(command_in)) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Only for a Submit that started: its place is fixed but NOT durable. Lets the caller begin work that nobody can see.
  // On the writer thread; must not block. on_committed follows in any case.
  virtual void on_applied(const Reply& reply) noexcept { static_cast<void>(reply); }

  // The end: after the fsync, or with why nothing was changed. On the writer thread; must not block. The store's last
  // touch: the operation may be destroyed inside.
  virtual void on_committed(Result<Reply> reply) noexcept = 0;

  // The writer moves text out of it: unspecified after submit().
  Command command;

 private:
  friend class Writer;
  Operation* next_ = nullptr;
  std::optional<Result<Reply>> reply_;
};

// How far a query may go.
enum class Tier : uint8_t {
  memory_only,  // never the disk: for a loop. Code::would_block when that is not enough, and for every scan
  any,          // may block: for a thread of its own
};

// `limit` >= 1 and `bytes_max` (bytes of the stored records) bound a page together; one row is always given.

struct HistoryQuery {
  std::string user;
  std::string thread;
  uint32_t limit = 0;
  size_t bytes_max = 0;
  std::optional<HistoryCursor> cursor;  // absent: from the active leaf
};

struct HistoryPage {
  bool found = false;  // false: no such thread; the rest is then empty
  uint64_t incarnation = 0;
  uint32_t message_count = 0;         // of the active branch, not of the page
  std::vector<MessageView> messages;  // newest first; their texts are in `texts`
  std::optional<HistoryCursor> next;  // absent: the branch's root is in `messages`
  std::optional<Uuid> active_run;
  TextArena texts;
};

struct SessionsQuery {
  std::string user;
  uint32_t limit = 0;
  size_t bytes_max = 0;
  std::optional<SessionsCursor> cursor;  // absent: from the newest
};

struct SessionsPage {
  std::vector<ThreadSummary> sessions;  // newest activity first
  std::optional<SessionsCursor> next;   // absent: there are no more
};

struct QueuedSubmit {
  Uuid run_id;
  uint32_t position = 0;  // 1 is next
  std::string content;
  int64_t created_us = 0;
};

struct RunInfo {
  Uuid run_id;
  RunState state = RunState::running;
  uint64_t incarnation = 0;
  uint32_t position = 0;  // when queued
  Uuid user_message_id;   // zero while queued
  Uuid message_id;        // zero while queued; the message exists only when there was an answer
  uint64_t user_order = 0;
  uint64_t answer_order = 0;
  int64_t started_us = 0;   // while queued: when it was submitted
  int64_t finished_us = 0;  // 0: not finished
  std::string options;
  std::string terminal_event;  // empty: not finished
  uint64_t terminal_event_id = 0;
};

struct UnfinishedThread {
  std::string user;
  std::string thread;
  uint32_t waiting = 0;
  bool active = false;  // false: send StartNext
};

struct StoreState {
  bool serving = false;               // false after close() or a disk failure
  bool read_only = false;             // the disk is full or nearly so: new messages are refused
  const char* read_only_reason = "";  // in words, for people
  size_t queue_depth = 0;             // commands that wait for the writer
  uint64_t last_sequence = 0;         // of the change log, committed
};

// Thread-safe but for close(). Every query sees the state of one moment: all of a commit or nothing of it, and only
// what has been synced. Errors of all queries: would_block (Tier::memory_only), io, corrupt (the key is logged; nothing
// is skipped).
class Store {
 public:
  // Opens or makes the store, and ends as `interrupted`, with what the run log has of it, every run that was active
  // when the last process died. Blocks.
  // Errors: busy (another process, or this one, has the directory open), io (the directory cannot be used),
  // storage_full (not even the reserve was enough to open), corrupt (the data is damaged, or of a format that this
  // program does not know).
  static Result<std::unique_ptr<Store>> open(const StoreOptions& options);

  // Closes. No operation may be under way on other threads.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Hands `operation` to the writer. On an error it was not taken, and none of its functions will be called.
  // Errors: overloaded (limits::kWriterQueueMax wait), draining (after close), io (after a disk failure). Besides what
  // its command says, the operation may end with storage_full (the disk is full: see storage/disk_space.h; nothing was
  // changed, and the same may succeed later) or io (the disk has failed; the change may be there or not).
  Result<void> submit(Operation& operation);

  // Submits and waits: for tests, tools and threads that may block. Never on the writer thread.
  Result<Reply> execute(Command command);

  // A cursor of a thread that was deleted since: gone. One that fits no message of its branch: malformed.
  Result<HistoryPage> read_history(const HistoryQuery& query, Tier tier);

  Result<SessionsPage> list_sessions(const SessionsQuery& query, Tier tier);

  // nullopt: no such thread.
  Result<std::optional<ThreadSummary>> find_thread(const std::string& user, const std::string& thread, Tier tier);

  // The submits that wait, next first; the active run is not one of them. Unknown thread: empty.
  Result<std::vector<QueuedSubmit>> read_queue(const std::string& user, const std::string& thread, Tier tier);

  // nullopt: no such thread, or no such run in it.
  Result<std::optional<RunInfo>> find_run(const std::string& user, const std::string& thread, const Uuid& run_id,
                                          Tier tier);

  // A message by its order; nullopt: no such thread, or no such message in it.
  Result<std::optional<Message>> find_message(const std::string& user, const std::string& thread, uint64_t order,
                                              Tier tier);

  // What was made of older parts of the thread, newest first: usually one. Empty: nothing, or no such thread.
  Result<std::vector<Memory>> read_memories(const std::string& user, const std::string& thread, Tier tier);

  // The JSON of one of a user's settings; nullopt: not set.
  Result<std::optional<std::string>> read_setting(const std::string& user, std::string_view name, Tier tier);
  // How long a user's threads are kept after their last message, by the server's limit and the user's own; 0: for ever.
  // A thread's own keep_s may be shorter (storage/retention.h).
  Result<uint32_t> read_keep_s(const std::string& user, Tier tier);

  // Accounts, logins, invitations and API keys. Lives as long as the store.
  [[nodiscard]] const AccountReader& accounts() const noexcept;

  // Following, as storage/follow.h says how. Blocks on disk.
  // At most `limit` entries after `after`, or `bytes_max` of stored records (one is always given).
  Result<ChangesPage> read_changes(uint64_t after, uint32_t limit, size_t bytes_max);
  Result<FeedPage> read_feed(const std::string& user, uint64_t after, uint32_t limit);
  // What a changed row holds now. nullopt: it is gone, or of a family that followers do not see.
  Result<std::optional<FollowedRow>> read_row(const ChangedKey& key);
  // From the beginning without a cursor.
  Result<SnapshotPiece> read_snapshot(const std::optional<SnapshotCursor>& cursor, size_t bytes_max);
  // As MoveFollower noted it; nullopt: never.
  Result<std::optional<uint64_t>> follower_position(const std::string& name);

  // Erases, expires and trims at once what else would be done in the background within minutes. True: no deleted text
  // is left in any file. Blocks for long.
  Result<bool> keep_house();

  // Every thread that has an active run or submits that wait. For start-up: reads all of the (small) queue.
  Result<std::vector<UnfinishedThread>> unfinished_threads();

  // The log of what runs say before they end. Lives as long as the store; its writers go first.
  [[nodiscard]] RunLog& run_log() noexcept;

  [[nodiscard]] StoreState state() const noexcept;

  // Work of the tools on a store that serves: nothing waits for it, and the data directory is not written. On a thread
  // of its own, before close(). Errors: storage/backup.h; storage/verify.h (`repair` is refused with invalid).
  Result<BackupReport> backup(const BackupOptions& options, Watch& watch);
  Result<VerifyReport> verify(const VerifyOptions& options, Watch& watch);
  Result<DoctorReport> examine();  // storage/doctor.h

  // Takes no more commands, commits those that wait, stops the writer. Idempotent. Queries still work. Blocks.
  void close() noexcept;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bobbin::store
