#include "storage/disk_space.h"

#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <type_traits>

#include "src/base/log.h"
#include "src/base/metrics.h"

namespace bobbin::store {
namespace {

constexpr int64_t kRetryUs = 1'000'000;
constexpr int64_t kReserveRetryUs = 10'000'000;
constexpr size_t kReserveChunkBytes = 64 * 1024;

}  // namespace

bool grows(const Command& command) {
  const auto* setting = std::get_if<ChangeSetting>(&command);
  return std::holds_alternative<Submit>(command) || std::holds_alternative<SetTitle>(command) ||
         std::holds_alternative<PutMemory>(command) || std::holds_alternative<CreateAccount>(command) ||
         std::holds_alternative<PutInvitation>(command) || std::holds_alternative<PutApiKey>(command) ||
         (setting != nullptr && !setting->json.empty());
}

bool makes_room(const Command& command) {
  return std::visit(
      []<class Each>(const Each&) {
        return std::is_same_v<Each, DeleteThread> || std::is_same_v<Each, DeleteUserThreads> ||
               std::is_same_v<Each, ExpireThread> || std::is_same_v<Each, PurgeRows> ||
               std::is_same_v<Each, TrimChanges> || std::is_same_v<Each, CancelQueued>;
      },
      command);
}

DiskSpace::DiskSpace(Options options)
    : options_([&options] {
        if (!options.file_system) options.file_system = rocksdb::FileSystem::Default();
        return std::move(options);
      }()) {
  uint64_t bytes = 0;
  if (!options_.file_system->GetFileSize(reserve_path(), {}, &bytes, nullptr).ok()) return;
  has_reserve_ = true;
  // Half made, of another size, or not wanted any more.
  if (bytes != options_.reserve_bytes) give_up_reserve();
}

DiskSpace::~DiskSpace() {
  if (is_read_only()) metrics::add(metrics::Gauge::store_read_only, -1);
}

void DiskSpace::look() {
  uint64_t free_bytes = 0;
  const bool is_known = options_.file_system->GetFreeSpace(options_.directory, {}, &free_bytes, nullptr).ok();
  free_bytes_ = is_known ? free_bytes : UINT64_MAX;
  // A quarter more to leave the state than to enter it, so that it does not come and go with every compaction.
  const uint64_t low_bytes = options_.low_bytes;
  low_ = free_bytes_ < (low_ ? low_bytes + low_bytes / 4 : low_bytes);
  if (!low_ && !stopped_ && !has_reserve_ && options_.reserve_bytes > 0) make_reserve();
  tell();
}

void DiskSpace::set_stopped(bool stopped) {
  stopped_ = stopped;
  tried_us_ = options_.steady_clock();
  tell();
}

bool DiskSpace::should_retry() {
  const int64_t now_us = options_.steady_clock();
  if (!stopped_ || now_us - tried_us_ < kRetryUs) return false;
  tried_us_ = now_us;
  return true;
}

bool DiskSpace::give_up_reserve() {
  if (!has_reserve_) return false;
  has_reserve_ = false;
  const rocksdb::IOStatus status = options_.file_system->DeleteFile(reserve_path(), {}, nullptr);
  if (!status.ok()) log::error("the reserve cannot be removed", {{"status", status.ToString()}});
  return status.ok();
}

void DiskSpace::make_reserve() {
  const int64_t now_us = options_.steady_clock();
  if (reserve_tried_us_ != INT64_MIN && now_us - reserve_tried_us_ < kReserveRetryUs) return;
  // It must not be what makes the disk low.
  if (free_bytes_ < options_.reserve_bytes + options_.low_bytes + options_.low_bytes / 4) return;
  reserve_tried_us_ = now_us;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status =
      options_.file_system->NewWritableFile(reserve_path(), rocksdb::FileOptions(), &file, nullptr);
  // RocksDB makes files that all may read. Where there are no modes, the directory's is what counts.
  if (status.ok()) static_cast<void>(chmod(reserve_path().c_str(), 0600));
  // Written, not only allocated, and with bytes that no file system can compress away: not all can allocate, and some
  // would give the room to others.
  std::minstd_rand random;
  std::string chunk(kReserveChunkBytes, '\0');
  for (uint64_t left = options_.reserve_bytes; status.ok() && left > 0;) {
    for (char& byte : chunk) byte = static_cast<char>(random() >> 8);
    const size_t bytes = std::min<uint64_t>(left, chunk.size());
    status = file->Append(rocksdb::Slice(chunk.data(), bytes), {}, nullptr);
    left -= bytes;
  }
  if (file) {
    const rocksdb::IOStatus closed = file->Close({}, nullptr);
    if (status.ok()) status = closed;
  }
  has_reserve_ = true;
  if (status.ok()) return;
  log::warn("the reserve cannot be made", {{"status", status.ToString()}});
  give_up_reserve();
}

void DiskSpace::tell() {
  const char* reason = "";
  if (stopped_) {
    reason = "a write found no room on the disk";
  } else if (low_) {
    reason = "the disk has little room left";
  }
  reason_.store(reason, std::memory_order_relaxed);
  const bool is_read_only = stopped_ || low_;
  if (read_only_.exchange(is_read_only, std::memory_order_relaxed) == is_read_only) return;
  metrics::add(metrics::Gauge::store_read_only, is_read_only ? 1 : -1);
  if (is_read_only) {
    log::warn("read-only: new messages are refused until there is room",
              {{"why", reason}, {"free_bytes", free_bytes_}, {"low_bytes", options_.low_bytes}});
  } else {
    log::info("there is room again: writing", {{"free_bytes", free_bytes_}});
  }
}

}  // namespace bobbin::store
