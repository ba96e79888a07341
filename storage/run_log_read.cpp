// RunLog: reading back, for recovery and for clients that come back.

#include <algorithm>
#include <map>

#include "src/base/log.h"
#include "storage/commands.h"
#include "storage/run_log_format.h"
#include "storage/run_log_impl.h"

namespace bobbin::store {
namespace {

// A wall clock that was set back during a run makes its segments look older than it: by more than this costs one more
// read of the log, not text.
constexpr int64_t kClockSlackUs = int64_t{10} * 60 * 1'000'000;

constexpr size_t kReadOnBytes = size_t{256} * 1024;

void append_bounded(std::string& out, std::string_view text) {
  if (out.size() + text.size() <= kCommandBytesMax) out.append(text);
}

// What the log has of one run, frame by frame.
class Gathered {
 public:
  void take(const Frame& frame) {
    is_known_ = true;
    switch (frame.kind) {
      case RunLogKind::model: run_.model.assign(frame.bytes); return;
      case RunLogKind::tool_steps: run_.tool_steps.assign(frame.bytes); return;
      case RunLogKind::event:
      case RunLogKind::token:
      case RunLogKind::reasoning: break;
    }
    if (frame.event_id == next_id_) {
      ++next_id_;
      if (frame.kind == RunLogKind::token) append_bounded(run_.content, frame.bytes);
      if (frame.kind == RunLogKind::reasoning) append_bounded(run_.reasoning, frame.bytes);
    }
    run_.last_event_id = std::max(run_.last_event_id, frame.event_id);
  }

  [[nodiscard]] bool has_beginning() const noexcept { return next_id_ > 1; }
  [[nodiscard]] bool has_hole() const noexcept { return run_.last_event_id >= next_id_; }
  std::optional<LoggedRun> finish() && { return is_known_ ? std::optional(std::move(run_)) : std::nullopt; }

 private:
  LoggedRun run_;
  uint64_t next_id_ = 1;
  bool is_known_ = false;
};

using GatheredRuns = std::map<Uuid, Gathered>;

Result<void> gather(const Segments& segments, const std::vector<SegmentPtr>& list, GatheredRuns& runs) {
  for (const SegmentPtr& segment : list) {
    TRY_ASSIGN(const std::string bytes, segments.read(*segment));
    FrameReader frames(bytes, FrameReader::From::head);
    Frame frame;
    while (frames.next(frame)) {
      const auto found = runs.find(frame.run_id);
      if (found != runs.end()) found->second.take(frame);
    }
    if (frames.believed_bytes() < bytes.size()) {
      log::warn("a segment of the run log has a torn end",
                {{"segment", segment->path}, {"bytes", bytes.size()}, {"believed", frames.believed_bytes()}});
    }
  }
  return {};
}

bool is_event(RunLogKind kind) noexcept { return kind != RunLogKind::model && kind != RunLogKind::tool_steps; }

}  // namespace

Result<std::vector<std::optional<LoggedRun>>> RunLog::read_runs(const std::vector<RunToRead>& runs) {
  std::vector<std::optional<LoggedRun>> found;
  if (runs.empty()) return found;
  int64_t oldest_us = runs[0].started_us;
  GatheredRuns gathered;
  for (const RunToRead& run : runs) {
    oldest_us = std::min(oldest_us, run.started_us);
    gathered.try_emplace(run.run_id);
  }
  const std::vector<SegmentPtr> all = impl_->segments.list();
  std::vector<SegmentPtr> recent;
  std::copy_if(all.begin(), all.end(), std::back_inserter(recent), [&](const SegmentPtr& one) {
    return one->written_us == 0 || one->written_us >= oldest_us - kClockSlackUs;
  });
  TRY(gather(impl_->segments, recent, gathered));
  const bool has_all_beginnings =
      std::all_of(gathered.begin(), gathered.end(), [](const auto& one) { return one.second.has_beginning(); });
  if (!has_all_beginnings && recent.size() < all.size()) {
    for (auto& [id, run] : gathered) run = Gathered();
    TRY(gather(impl_->segments, all, gathered));
  }
  for (const RunToRead& run : runs) {
    Gathered& one = gathered[run.run_id];
    if (one.has_hole()) log::warn("the run log has a hole", {{"run_id", run.run_id.to_string()}});
    found.push_back(std::move(one).finish());
  }
  return found;
}

// In pieces, so that a slow reader holds no more than one, and a log of many runs is walked through once.
Result<LoggedEvents> RunLog::read_events(const Uuid& run_id, uint64_t after, size_t events_max, size_t bytes_max,
                                         Place* place) {
  LoggedEvents out;
  size_t bytes_taken = 0;
  uint64_t next_id = after + 1;
  const Place from = place != nullptr ? *place : Place();
  for (const SegmentPtr& segment : impl_->segments.list_of_run(run_id)) {
    if (segment->number < from.segment) continue;
    size_t at = segment->number == from.segment ? from.offset : 0;
    bool is_whole = at == 0;  // its runs become known
    std::set<Uuid> runs;
    for (size_t wanted = kReadOnBytes;;) {
      TRY_ASSIGN(const std::string bytes, impl_->segments.read(*segment, at, wanted));
      FrameReader frames(bytes, at == 0 ? FrameReader::From::head : FrameReader::From::frame);
      Frame frame;
      for (size_t begin = frames.believed_bytes(); frames.next(frame); begin = frames.believed_bytes()) {
        if (is_whole) runs.insert(frame.run_id);
        if (frame.run_id != run_id || !is_event(frame.kind)) continue;
        if (out.first_id == 0) out.first_id = frame.event_id;
        out.last_id = std::max(out.last_id, frame.event_id);
        if (frame.event_id != next_id || out.limited) continue;
        const bool has_room =
            out.events.empty() || (out.events.size() < events_max && bytes_taken + frame.bytes.size() <= bytes_max);
        if (!has_room) {
          out.limited = true;
          if (place == nullptr) continue;
          *place = {segment->number, at + begin};
          return out;
        }
        out.events.push_back({.id = next_id++, .kind = frame.kind, .bytes = std::string(frame.bytes)});
        bytes_taken += frame.bytes.size();
      }
      if (bytes.size() < wanted) break;  // the end of the segment
      at += frames.believed_bytes();
      // A frame that is longer than what was read, or none that can be believed.
      wanted = frames.believed_bytes() > 0 ? kReadOnBytes : wanted * 2;
    }
    if (is_whole) impl_->segments.set_runs(*segment, std::move(runs));
    if (place != nullptr) *place = {segment->number + 1, 0};
  }
  return out;
}

}  // namespace bobbin::store
