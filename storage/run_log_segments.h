#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/run_log.h"

// The files of the run log, and which of them are still needed. Internal to storage.
namespace bobbin::store {

struct Segment {
  Segment(uint64_t number_in, std::string path_in) : number(number_in), path(std::move(path_in)) {}

  const uint64_t number;
  const std::string path;
  // Appended to by its writer alone, synced meanwhile by others. Null: of an earlier process, or closed.
  std::unique_ptr<rocksdb::FSWritableFile> file;
  std::atomic<uint64_t> bytes{0};  // that are written; of an earlier process: all that the file has
  std::atomic<bool> dirty{false};  // in the list of those to sync

  // Under the mutex of Segments.
  bool sealed = false;
  bool removed = false;
  size_t active_runs = 0;
  int64_t created_us = 0;              // steady clock
  int64_t last_used_us = 0;            // steady clock: last write or end of a run
  int64_t written_us = 0;              // wall clock: when an earlier process last wrote it; 0: it is of this process
  std::optional<std::set<Uuid>> runs;  // nullopt: of an earlier process, not read yet
};

using SegmentPtr = std::shared_ptr<Segment>;

// Thread-safe.
class Segments {
 public:
  explicit Segments(RunLogOptions options);

  Result<void> open();

  // A new segment with its head written, known to readers from now on. Errors: as RunLogWriter::flush.
  Result<SegmentPtr> create();
  // Appends frames. On storage_full the file is as before, but must not be written again.
  Result<void> append(Segment& segment, std::string_view frames);
  // Nothing more will be appended. The file is closed by the next sync.
  void seal(const SegmentPtr& segment);
  // Takes a segment without frames away.
  void discard(const SegmentPtr& segment);

  void add_run(Segment& segment, const Uuid& run_id);
  void end_run(const std::vector<SegmentPtr>& segments);

  // To be synced soon; true when nothing else was.
  bool mark_dirty(const SegmentPtr& segment);
  [[nodiscard]] bool has_dirty() const;
  Result<void> sync_dirty();

  // Removes sealed segments without active runs whose time is over or that are too many.
  Result<void> remove_old();
  // The same for all below `number`; true when none is left there.
  Result<bool> remove_before(uint64_t number);

  // In order of their numbers.
  [[nodiscard]] std::vector<SegmentPtr> list() const;
  // The segments that may have frames of `run_id`.
  [[nodiscard]] std::vector<SegmentPtr> list_of_run(const Uuid& run_id) const;
  void set_runs(Segment& segment, std::set<Uuid> runs);
  [[nodiscard]] uint64_t next_number() const;
  [[nodiscard]] RunLogState state() const;
  // What can be read of a segment; empty when it has been removed.
  Result<std::string> read(const Segment& segment) const { return read(segment, 0, SIZE_MAX); }
  // At most `bytes_max` of it from `offset` on; fewer only at its end.
  Result<std::string> read(const Segment& segment, size_t offset, size_t bytes_max) const;

  // The first call tells on_failure; every flush fails from then on.
  tl::unexpected<Error> fail_for_good(const Error& error);
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] const RunLogOptions& options() const noexcept { return options_; }

 private:
  Result<void> list_directory();
  Result<void> sync_directory();
  Result<void> remove(const std::vector<SegmentPtr>& segments);

  const RunLogOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::unique_ptr<rocksdb::FSDirectory> directory_;

  mutable std::mutex mutex_;  // all below under it
  std::vector<SegmentPtr> segments_;
  std::vector<SegmentPtr> dirty_;
  uint64_t next_number_ = 1;
  bool directory_dirty_ = false;
  std::optional<Error> failure_;

  std::mutex sync_mutex_;  // one sync at a time, so that a later one never overtakes an earlier one's result
};

}  // namespace bobbin::store
