#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/result.h"
#include "src/base/uuid.h"

namespace rocksdb {
class FileSystem;
}

// The run log: what runs have said and no commit holds yet, on disk before a client is told (storage/FORMAT.md, "Run
// log"). Each worker appends to segments of its own; one thread syncs and removes all of them.
namespace bobbin::store {

// What a frame holds. Part of the format: never renumber.
enum class RunLogKind : uint8_t {
  event = 1,       // the JSON of an event
  token = 2,       // the text of a token event
  reasoning = 3,   // the text of a reasoning event
  model = 4,       // the model that was asked: not an event, id 0
  tool_steps = 5,  // all tool steps so far: not an event, id 0
};

// What outlived a process of a run that it never finished.
struct LoggedRun {
  std::string content;  // at most kCommandBytesMax, as each of the others
  std::string reasoning;
  std::string model;
  std::string tool_steps;
  uint64_t last_event_id = 0;  // the highest that the log has, also where a hole ended the text before
};

struct LoggedEvent {
  uint64_t id = 0;
  RunLogKind kind = RunLogKind::event;  // event, token or reasoning
  std::string bytes;
};

// A run's events after a given one.
struct LoggedEvents {
  std::vector<LoggedEvent> events;  // after+1, after+2, … without a hole; empty when after+1 is not there
  uint64_t first_id = 0;            // the lowest and the highest that the log has of this run; 0: none
  uint64_t last_id = 0;
  bool limited = false;  // more follow without a hole: ask again after the last of `events`
};

struct Segment;
class RunLog;

// One worker's end of the log. Belongs to that worker's thread; goes before the RunLog.
class RunLogWriter {
 public:
  // Ends the segment. What was appended and not flushed is dropped.
  ~RunLogWriter();
  RunLogWriter(const RunLogWriter&) = delete;
  RunLogWriter& operator=(const RunLogWriter&) = delete;

  // Only buffers. Ids of one run's events count up by one from 1; `bytes` at most 16 MiB, and whole characters where
  // they are text.
  void append(const Uuid& run_id, uint64_t event_id, RunLogKind kind, std::string_view bytes);

  // Writes all that was appended since the last call, with one write(2): it survives the death of the process when this
  // has returned, and a power cut 50 ms later. Blocks for as long as the page cache takes it. On an error nothing of it
  // is in the log, and it is dropped.
  // Errors: storage_full (no room; a later flush may succeed), overloaded (no descriptor is left), io (the disk has
  // failed: RunLogOptions::on_failure is called, and every later flush fails likewise).
  Result<void> flush();
  [[nodiscard]] bool has_unflushed() const noexcept { return !buffer_.empty(); }

  // The run's end is committed, or its thread is deleted: recovery no longer needs its frames. A run of which this is
  // never said keeps its segments for as long as the process lives. Nothing of it may be unflushed.
  void end_run(const Uuid& run_id);

 private:
  friend class RunLog;
  struct UuidHash {
    size_t operator()(const Uuid& id) const noexcept;
  };
  explicit RunLogWriter(RunLog& log) : log_(log) {}
  Result<void> write_buffer();
  void drop_forgotten();
  void note_runs();
  void release_run(const Uuid& run_id);
  // For RunLog, on any thread. A flush that is under way ends first.
  void forget(const std::vector<Uuid>& run_ids);
  void seal();
  void seal_if_begun_before(int64_t steady_us);

  RunLog& log_;
  std::string buffer_;          // the worker's alone
  std::vector<Uuid> buffered_;  // the runs in it; neighbours differ

  std::mutex mutex_;  // held by flush() all along; the rest is under it
  std::shared_ptr<Segment> current_;
  std::unordered_map<Uuid, std::vector<std::shared_ptr<Segment>>, UuidHash> runs_;
  std::unordered_map<Uuid, int64_t, UuidHash> forgotten_;  // and when
};

struct RunLogOptions {
  std::string directory;                             // made with mode 0700 when missing; its parent exists
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the system's own
  WallClock wall_clock = wall_now_us;
  WallClock steady_clock = steady_now_us;
  // The disk has failed: nothing more is promised. Called once, on the thread that noticed.
  std::function<void(const Error&)> on_failure;
  size_t segment_bytes_max = limits::kRunLogSegmentBytesMax;
  uint64_t kept_bytes_max = limits::kRunLogKeptBytesMax;
};

struct RunLogState {
  size_t segments = 0;
  uint64_t bytes = 0;
};

// Thread-safe but for open(), start() and the destructor. Errors of all calls: io (the disk).
class RunLog {
 public:
  // Lists what earlier processes left; reads nothing. Nothing is synced or removed before start().
  static Result<std::unique_ptr<RunLog>> open(RunLogOptions options);
  // Syncs what is left, unless the disk has failed. Every writer is gone.
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // From now on written segments are synced in time, and old ones removed: recovery must be over.
  void start();

  std::unique_ptr<RunLogWriter> make_writer();

  struct RunToRead {
    Uuid run_id;
    int64_t started_us = 0;  // wall clock: segments last written long before are read only if a beginning is missing
  };
  // What the log has of each, in the same order; nullopt: nothing. Text ends at the first hole. Blocks; reads each
  // segment once, and nothing when `runs` is empty.
  Result<std::vector<std::optional<LoggedRun>>> read_runs(const std::vector<RunToRead>& runs);

  // The events of one run with ids above `after`: at most `events_max` (>= 1), and about `bytes_max` bytes of them but
  // at least one. Also of a run that is being written: all that was flushed. Blocks.
  //
  // With a `place`, which is as new for the first call, the next call goes on where this one stopped and each byte of
  // the log is read once; first_id and last_id then are those of what was looked at.
  struct Place {
    uint64_t segment = 0;
    size_t offset = 0;
  };
  Result<LoggedEvents> read_events(const Uuid& run_id, uint64_t after, size_t events_max, size_t bytes_max,
                                   Place* place = nullptr);

  // Syncs all that was flushed before the call: for a backup. Blocks.
  Result<void> sync();
  // Removes what has had its time. start()'s thread does it once a minute.
  Result<void> remove_old();

  // Erasing deleted text takes three calls, in this order:
  //
  //   log.forget(runs);                        // those that the delete cancelled: Deleted::cancelled
  //   const uint64_t end = log.seal();
  //   … until log.erase_before(end) is true    // again whenever runs have ended
  //
  // forget(): nothing of these runs is written from now on, and they count as ended.
  void forget(const std::vector<Uuid>& run_ids);
  // Ends every segment that is being written. All frames flushed so far are in segments below the result.
  uint64_t seal();
  // Removes the segments below `number` of which all runs have ended, whatever their age: clients that come back for
  // those runs find them in the history. True: none is left, and that is durable. False: some have runs that go on.
  Result<bool> erase_before(uint64_t number);

  [[nodiscard]] RunLogState state() const;

 private:
  friend class RunLogWriter;
  struct Impl;
  explicit RunLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bobbin::store
