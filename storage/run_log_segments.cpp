#include "storage/run_log_segments.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "storage/directory.h"
#include "storage/log_guard.h"
#include "storage/run_log_format.h"

namespace bobbin::store {
namespace {

using rocksdb::IOStatus;

constexpr std::string_view kExtension = ".log";
constexpr size_t kNumberDigits = 16;

std::string file_name(uint64_t number) {
  char digits[kNumberDigits];
  const auto end = std::to_chars(digits, digits + kNumberDigits, number, 16).ptr;
  const std::string_view hex(digits, static_cast<size_t>(end - digits));
  return std::string(kNumberDigits - hex.size(), '0').append(hex).append(kExtension);
}

std::optional<uint64_t> parse_file_name(std::string_view name) {
  if (name.size() != kNumberDigits + kExtension.size() || !name.ends_with(kExtension)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNumberDigits, number, 16);
  if (error != std::errc() || end != name.data() + kNumberDigits || number == 0) return std::nullopt;
  return file_name(number) == name ? std::optional(number) : std::nullopt;  // no other spelling of the same number
}

bool is_absent(const IOStatus& status) { return status.IsNotFound() || status.IsPathNotFound(); }

// Logs `status` and gives it as an Error.
Error from_io(const IOStatus& status, const char* detail) {
  const int32_t number = errno_of(status);
  log::error("run log", {{"detail", detail}, {"status", status.ToString()}, {"errno", number}});
  if (status.IsNoSpace() || number == ENOSPC || number == EDQUOT) {
    return Error(Code::storage_full, number != 0 ? number : ENOSPC, "the disk is full");
  }
  if (number == EMFILE || number == ENFILE) return Error(Code::overloaded, number, "too many files are open");
  return Error(Code::io, number != 0 ? number : static_cast<int>(status.subcode()), detail);
}

bool can_go_on_after(const Error& error) { return error.code == Code::storage_full || error.code == Code::overloaded; }

}  // namespace

Segments::Segments(RunLogOptions options)
    : options_(std::move(options)),
      file_system_(options_.file_system ? options_.file_system : rocksdb::FileSystem::Default()) {}

Result<void> Segments::open() {
  TRY(make_directory(options_.directory, "the run log's directory cannot be made"));
  const IOStatus status = file_system_->NewDirectory(options_.directory, {}, &directory_, nullptr);
  if (!status.ok()) return fail(from_io(status, "the run log's directory cannot be opened"));
  return list_directory();
}

Result<void> Segments::list_directory() {
  std::vector<std::string> names;
  IOStatus status = file_system_->GetChildren(options_.directory, {}, &names, nullptr);
  if (!status.ok()) return fail(from_io(status, "the run log's directory cannot be listed"));
  const int64_t wall_us = options_.wall_clock();
  const int64_t steady_us = options_.steady_clock();
  for (const std::string& name : names) {
    const std::optional<uint64_t> number = parse_file_name(name);
    if (!number) continue;
    auto segment = std::make_shared<Segment>(*number, options_.directory + "/" + name);
    uint64_t bytes = 0;
    uint64_t written_s = 0;
    status = file_system_->GetFileSize(segment->path, {}, &bytes, nullptr);
    if (status.ok()) status = file_system_->GetFileModificationTime(segment->path, {}, &written_s, nullptr);
    if (!status.ok()) return fail(from_io(status, "a segment of the run log cannot be opened"));
    segment->bytes = bytes;
    segment->sealed = true;
    segment->written_us = (static_cast<int64_t>(written_s) + 1) * 1'000'000;
    segment->last_used_us = steady_us - std::clamp<int64_t>(wall_us - segment->written_us, 0, limits::kRunLogKeepUs);
    segments_.push_back(std::move(segment));
  }
  std::sort(segments_.begin(), segments_.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
  if (!segments_.empty()) next_number_ = segments_.back()->number + 1;
  return {};
}

Result<SegmentPtr> Segments::create() {
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_number_++;
  }
  auto segment = std::make_shared<Segment>(number, options_.directory + "/" + file_name(number));
  std::string head;
  append_segment_head(head, number, options_.wall_clock());
  IOStatus status = file_system_->NewWritableFile(segment->path, {}, &segment->file, nullptr);
  if (status.ok()) {
    // RocksDB makes files that all may read. Where there are no modes, the directory's is what counts.
    static_cast<void>(chmod(segment->path.c_str(), 0600));
    BOBBIN_ASSERT(segment->file->IsSyncThreadSafe());
    status = segment->file->Append(head, {}, nullptr);
  }
  if (!status.ok()) {
    const Error error = from_io(status, "a segment of the run log cannot be made");
    if (segment->file) static_cast<void>(file_system_->DeleteFile(segment->path, {}, nullptr));  // empty, if it stays
    return can_go_on_after(error) ? fail(error) : fail_for_good(error);
  }
  segment->bytes = head.size();
  segment->created_us = segment->last_used_us = options_.steady_clock();
  segment->runs.emplace();
  const std::lock_guard lock(mutex_);
  // Another worker may have been faster with a higher number.
  const auto place = std::upper_bound(segments_.begin(), segments_.end(), number,
                                      [](uint64_t value, const auto& other) { return value < other->number; });
  segments_.insert(place, segment);
  directory_dirty_ = true;
  return segment;
}

Result<void> Segments::append(Segment& segment, std::string_view frames) {
  const IOStatus status = segment.file->Append(rocksdb::Slice(frames.data(), frames.size()), {}, nullptr);
  if (!status.ok()) {
    const Error error = from_io(status, "the run log cannot be written");
    if (!can_go_on_after(error)) return fail_for_good(error);
    // Some of it may be there: cut off, so that nobody finds tonight what was refused now. The place to write is then
    // past the end, which is why the segment is not used again.
    const IOStatus cut = segment.file->Truncate(segment.bytes.load(std::memory_order_relaxed), {}, nullptr);
    if (!cut.ok()) return fail_for_good(from_io(cut, "the run log cannot be truncated"));
    return fail(error);
  }
  segment.bytes.fetch_add(frames.size(), std::memory_order_release);
  metrics::add(metrics::Counter::run_log_writes);
  metrics::add(metrics::Counter::run_log_bytes, frames.size());
  return {};
}

void Segments::seal(const SegmentPtr& segment) {
  {
    const std::lock_guard lock(mutex_);
    segment->sealed = true;
    segment->last_used_us = options_.steady_clock();
  }
  mark_dirty(segment);
}

void Segments::discard(const SegmentPtr& segment) {
  {
    const std::lock_guard lock(mutex_);
    std::erase(segments_, segment);
    segment->removed = true;
  }
  static_cast<void>(file_system_->DeleteFile(segment->path, {}, nullptr));  // empty, if it stays
}

void Segments::add_run(Segment& segment, const Uuid& run_id) {
  const std::lock_guard lock(mutex_);
  ++segment.active_runs;
  segment.runs->insert(run_id);
}

void Segments::end_run(const std::vector<SegmentPtr>& segments) {
  const int64_t now_us = options_.steady_clock();
  const std::lock_guard lock(mutex_);
  for (const SegmentPtr& segment : segments) {
    BOBBIN_ASSERT(segment->active_runs > 0);
    --segment->active_runs;
    segment->last_used_us = now_us;
  }
}

bool Segments::mark_dirty(const SegmentPtr& segment) {
  if (segment->dirty.exchange(true)) return false;
  const std::lock_guard lock(mutex_);
  dirty_.push_back(segment);
  return dirty_.size() == 1;
}

bool Segments::has_dirty() const {
  const std::lock_guard lock(mutex_);
  return !dirty_.empty();
}

Result<void> Segments::sync_directory() {
  const IOStatus status = directory_->FsyncWithDirOptions({}, nullptr, rocksdb::DirFsyncOptions());
  if (!status.ok()) return fail_for_good(from_io(status, "the run log's directory cannot be synced"));
  return {};
}

Result<void> Segments::sync_dirty() {
  const std::lock_guard one_at_a_time(sync_mutex_);
  TRY(check());
  std::vector<SegmentPtr> dirty;
  bool is_directory_dirty = false;
  {
    const std::lock_guard lock(mutex_);
    dirty.swap(dirty_);
    is_directory_dirty = std::exchange(directory_dirty_, false);
  }
  if (is_directory_dirty) TRY(sync_directory());
  std::sort(dirty.begin(), dirty.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
  for (const SegmentPtr& segment : dirty) {
    // First: whoever writes or seals from here on puts it into the list again.
    segment->dirty.store(false);
    bool sealed = false;
    {
      const std::lock_guard lock(mutex_);
      if (segment->removed) continue;
      sealed = segment->sealed;
    }
    if (!segment->file) continue;
    IOStatus status = segment->file->Sync({}, nullptr);
    if (status.ok() && sealed) {
      status = segment->file->Close({}, nullptr);
      segment->file.reset();
    }
    if (!status.ok()) return fail_for_good(from_io(status, "the run log cannot be synced"));
    metrics::add(metrics::Counter::run_log_syncs);
  }
  return {};
}

Result<void> Segments::remove_old() {
  TRY(check());
  const int64_t now_us = options_.steady_clock();
  std::vector<SegmentPtr> victims;
  {
    const std::lock_guard lock(mutex_);
    const auto is_kept_for_replay = [](const SegmentPtr& one) { return one->sealed && one->active_runs == 0; };
    uint64_t kept_bytes = 0;
    for (const SegmentPtr& one : segments_) kept_bytes += is_kept_for_replay(one) ? one->bytes.load() : 0;
    for (const SegmentPtr& one : segments_) {
      if (!is_kept_for_replay(one)) continue;
      if (now_us - one->last_used_us < limits::kRunLogKeepUs && kept_bytes <= options_.kept_bytes_max) continue;
      kept_bytes -= one->bytes.load();
      victims.push_back(one);
    }
  }
  return remove(victims);
}

Result<bool> Segments::remove_before(uint64_t number) {
  TRY(check());
  std::vector<SegmentPtr> victims;
  bool is_all = true;
  {
    const std::lock_guard lock(mutex_);
    for (const SegmentPtr& one : segments_) {
      if (one->number >= number) break;
      if (one->sealed && one->active_runs == 0) {
        victims.push_back(one);
      } else {
        is_all = false;
      }
    }
  }
  TRY(remove(victims));
  // Also when nothing was removed now: what was before need not be durable.
  if (is_all) TRY(sync_directory());
  return is_all;
}

Result<void> Segments::remove(const std::vector<SegmentPtr>& victims) {
  for (const SegmentPtr& segment : victims) {
    const IOStatus status = file_system_->DeleteFile(segment->path, {}, nullptr);
    // Absent: another thread was faster.
    if (!status.ok() && !is_absent(status)) {
      return fail_for_good(from_io(status, "a segment of the run log cannot be removed"));
    }
    const std::lock_guard lock(mutex_);
    segment->removed = true;
    std::erase(segments_, segment);
  }
  return {};
}

std::vector<SegmentPtr> Segments::list() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

std::vector<SegmentPtr> Segments::list_of_run(const Uuid& run_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentPtr> found;
  for (const SegmentPtr& one : segments_) {
    if (!one->runs || one->runs->contains(run_id)) found.push_back(one);
  }
  return found;
}

void Segments::set_runs(Segment& segment, std::set<Uuid> runs) {
  const std::lock_guard lock(mutex_);
  if (!segment.runs) segment.runs = std::move(runs);
}

uint64_t Segments::next_number() const {
  const std::lock_guard lock(mutex_);
  return next_number_;
}

RunLogState Segments::state() const {
  const std::lock_guard lock(mutex_);
  RunLogState state{.segments = segments_.size(), .bytes = 0};
  for (const SegmentPtr& one : segments_) state.bytes += one->bytes.load();
  return state;
}

Result<std::string> Segments::read(const Segment& segment, size_t offset, size_t bytes_max) const {
  const uint64_t bytes = segment.bytes.load(std::memory_order_acquire);
  if (offset >= bytes) return std::string();
  std::string out(std::min<uint64_t>(bytes - offset, bytes_max), '\0');
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  IOStatus status = file_system_->NewSequentialFile(segment.path, {}, &file, nullptr);
  if (is_absent(status)) return std::string();
  if (status.ok() && offset > 0) status = file->Skip(offset);
  size_t at = 0;
  while (status.ok() && at < out.size()) {
    rocksdb::Slice got;
    status = file->Read(out.size() - at, {}, &got, out.data() + at, nullptr);
    if (!status.ok() || got.empty()) break;
    if (got.data() != out.data() + at) std::copy_n(got.data(), got.size(), out.data() + at);
    at += got.size();
  }
  if (!status.ok()) return fail(from_io(status, "the run log cannot be read"));
  out.resize(at);
  return out;
}

tl::unexpected<Error> Segments::fail_for_good(const Error& error) {
  // Whatever the cause (an fsync may find the disk full), it is too late to go on.
  const Error fatal = error.code == Code::io ? error : Error(Code::io, error.number, error.detail);
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return fail(*failure_);
    failure_ = fatal;
  }
  if (options_.on_failure) options_.on_failure(fatal);
  return fail(fatal);
}

Result<void> Segments::check() const {
  const std::lock_guard lock(mutex_);
  if (failure_) return fail(*failure_);
  return {};
}

}  // namespace bobbin::store
