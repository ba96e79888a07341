#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "src/base/clock.h"
#include "storage/commands.h"

namespace rocksdb {
class FileSystem;
}

// How much room the disk has, and what a store with too little of it still does. Internal to storage.
//
//   room                         new messages   answers of running runs   deletes and cancels   queries
//   enough                       yes            yes                       yes                   yes
//   below `low_bytes`            storage_full   yes                       yes                   yes
//   a write has found none       storage_full   storage_full              yes, by the reserve   yes
//
// The reserve is a file (FORMAT.md, "The directory") that holds room for the moment in which a delete must go through.
namespace bobbin::store {

// Whether the command makes the store larger for good and is refused when there is little room. The end of a run is
// not one: its answer has been shown already.
bool grows(const Command& command);
// Whether the command is worth the reserve: it makes room, or ends work that waits for room. Not worth it are notes of
// what has been done (EndErasure, MoveFollower): they wait.
bool makes_room(const Command& command);

class DiskSpace {
 public:
  struct Options {
    std::string directory;                             // of the store
    std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the system's own
    uint64_t low_bytes;                                // below it nothing grows; 0: never
    uint64_t reserve_bytes;                            // 0: no reserve
    WallClock steady_clock;
  };
  explicit DiskSpace(Options options);
  ~DiskSpace();
  DiskSpace(const DiskSpace&) = delete;
  DiskSpace& operator=(const DiskSpace&) = delete;

  // All below but read_only(): the writer's thread, or before it starts.

  // Asks the disk (about 1.5 µs; a disk that cannot say how much it has is not low), makes the reserve again when there
  // is room, and logs when the state changes.
  void look();
  // A write has found no room; or RocksDB works again.
  void set_stopped(bool stopped);

  [[nodiscard]] bool is_low() const noexcept { return low_; }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }
  // While stopped: whether it is time to try again, once a second. Counts as the try.
  bool should_retry();
  [[nodiscard]] bool has_reserve() const noexcept { return has_reserve_; }
  // Removes the reserve; false when there is none.
  bool give_up_reserve();

  // Any thread.
  [[nodiscard]] bool is_read_only() const noexcept { return read_only_.load(std::memory_order_relaxed); }
  // Why, in words for people; a literal, empty while it is not read-only.
  [[nodiscard]] const char* reason() const noexcept { return reason_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::string reserve_path() const { return options_.directory + "/reserve"; }
  void make_reserve();
  void tell();

  const Options options_;
  uint64_t free_bytes_ = UINT64_MAX;
  bool low_ = false;
  bool stopped_ = false;
  bool has_reserve_ = false;
  int64_t tried_us_ = INT64_MIN;
  int64_t reserve_tried_us_ = INT64_MIN;
  std::atomic<bool> read_only_{false};
  std::atomic<const char*> reason_{""};
};

// What a refused command is told.
inline constexpr const char* kStorageFullDetail =
    "the disk is full: delete threads or make room on the disk; the server goes on by itself";

}  // namespace bobbin::store
