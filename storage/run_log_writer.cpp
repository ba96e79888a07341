// RunLogWriter: one worker's end of the run log.

#include <algorithm>

#include "src/base/assert.h"
#include "src/base/bytes.h"
#include "storage/run_log_format.h"
#include "storage/run_log_impl.h"

namespace bobbin::store {
namespace {

// A buffer beyond this, made by an unusual turn, is given back.
constexpr size_t kIdleBufferBytesMax = 256 * 1024;

}  // namespace

// The last bytes of every UUID we make are random.
size_t RunLogWriter::UuidHash::operator()(const Uuid& id) const noexcept {
  return static_cast<size_t>(load_le64(reinterpret_cast<const char*>(id.bytes.data()) + 8));
}

RunLogWriter::~RunLogWriter() {
  log_.impl_->remove_writer(*this);
  seal();
}

void RunLogWriter::append(const Uuid& run_id, uint64_t event_id, RunLogKind kind, std::string_view bytes) {
  append_frame(buffer_, {.kind = kind, .run_id = run_id, .event_id = event_id, .bytes = bytes});
  if (buffered_.empty() || buffered_.back() != run_id) buffered_.push_back(run_id);
}

Result<void> RunLogWriter::flush() {
  if (buffer_.empty()) return {};
  const std::lock_guard lock(mutex_);
  if (!forgotten_.empty()) drop_forgotten();
  const Result<void> written = buffer_.empty() ? Result<void>() : write_buffer();
  buffer_.clear();
  if (buffer_.capacity() > kIdleBufferBytesMax) std::string().swap(buffer_);
  buffered_.clear();
  return written;
}

Result<void> RunLogWriter::write_buffer() {
  Segments& segments = log_.impl_->segments;
  TRY(segments.check());
  if (current_ &&
      current_->bytes.load(std::memory_order_relaxed) + buffer_.size() > segments.options().segment_bytes_max) {
    segments.seal(std::exchange(current_, nullptr));
    log_.impl_->wake();
  }
  if (!current_) {
    TRY_ASSIGN(current_, segments.create());
  }
  if (const Result<void> appended = segments.append(*current_, buffer_); !appended) {
    const SegmentPtr cut = std::exchange(current_, nullptr);
    if (cut->bytes.load(std::memory_order_relaxed) == kSegmentHeadBytes) {
      segments.discard(cut);
    } else {
      segments.seal(cut);
    }
    return fail(appended.error());
  }
  note_runs();
  if (segments.mark_dirty(current_)) log_.impl_->wake();
  return {};
}

void RunLogWriter::note_runs() {
  for (const Uuid& run_id : buffered_) {
    std::vector<SegmentPtr>& in = runs_[run_id];
    if (!in.empty() && in.back() == current_) continue;
    in.push_back(current_);
    log_.impl_->segments.add_run(*current_, run_id);
  }
}

void RunLogWriter::drop_forgotten() {
  const auto is_forgotten = [this](const Uuid& run_id) { return forgotten_.contains(run_id); };
  if (std::erase_if(buffered_, is_forgotten) == 0) return;
  std::string kept;
  Frame frame;
  for (FrameReader frames(buffer_, FrameReader::From::frame); frames.next(frame);) {
    if (!is_forgotten(frame.run_id)) append_frame(kept, frame);
  }
  buffer_.swap(kept);
}

void RunLogWriter::end_run(const Uuid& run_id) {
  BOBBIN_ASSERT(std::find(buffered_.begin(), buffered_.end(), run_id) == buffered_.end());
  const std::lock_guard lock(mutex_);
  forgotten_.erase(run_id);
  release_run(run_id);
}

void RunLogWriter::release_run(const Uuid& run_id) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return;
  log_.impl_->segments.end_run(found->second);
  runs_.erase(found);
}

void RunLogWriter::forget(const std::vector<Uuid>& run_ids) {
  const int64_t now_us = log_.impl_->segments.options().steady_clock();
  const std::lock_guard lock(mutex_);
  // Most of these runs are other workers' or had not begun: nobody will say here that they have ended.
  std::erase_if(forgotten_, [&](const auto& one) { return now_us - one.second > limits::kRunLogKeepUs; });
  for (const Uuid& run_id : run_ids) {
    forgotten_.emplace(run_id, now_us);
    release_run(run_id);
  }
}

void RunLogWriter::seal() {
  const std::lock_guard lock(mutex_);
  if (current_) log_.impl_->segments.seal(std::exchange(current_, nullptr));
}

void RunLogWriter::seal_if_begun_before(int64_t steady_us) {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->created_us < steady_us) log_.impl_->segments.seal(std::exchange(current_, nullptr));
}

}  // namespace bobbin::store
