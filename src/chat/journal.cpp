#include "src/chat/journal.h"

#include "src/base/assert.h"

namespace bobbin::chat {
namespace {

using store::RunLogKind;

constexpr uint32_t kBytesMask = (uint32_t{1} << 30) - 1;

constexpr size_t bytes_of(uint32_t entry) noexcept { return entry & kBytesMask; }
constexpr RunLogKind kind_of(uint32_t entry) noexcept { return static_cast<RunLogKind>(entry >> 30); }
static_assert(static_cast<uint32_t>(RunLogKind::reasoning) < 4);

}  // namespace

void Journal::append(RunLogKind kind, std::string_view logged) {
  BOBBIN_ASSERT(logged.size() <= kEventBytesMax && kind <= RunLogKind::reasoning);
  entries_.push_back(static_cast<uint32_t>(kind) << 30 | static_cast<uint32_t>(logged.size()));
  text_.append(logged);
}

void Journal::drop_after(uint64_t id) {
  text_.resize(place_after(id).offset);
  entries_.resize(id);
}

Journal::Place Journal::place_after(uint64_t id) const noexcept {
  BOBBIN_ASSERT(id <= entries_.size());
  Place place;
  while (place.id < id) place.offset += bytes_of(entries_[place.id++]);
  return place;
}

void Journal::render_next(Place& place, std::string& out) const {
  const uint32_t entry = entries_[place.id];
  const std::string_view logged = std::string_view(text_).substr(place.offset, bytes_of(entry));
  append_logged_event(out, kind_of(entry), logged);
  ++place.id;
  place.offset += logged.size();
}

std::string Journal::text(RunLogKind kind, uint64_t last_id) const {
  std::string out;
  size_t offset = 0;
  for (size_t i = 0; i < entries_.size() && i < last_id; ++i) {
    if (kind_of(entries_[i]) == kind) out.append(text_, offset, bytes_of(entries_[i]));
    offset += bytes_of(entries_[i]);
  }
  return out;
}

bool Journal::has(RunLogKind kind) const noexcept {
  for (const uint32_t entry : entries_) {
    if (kind_of(entry) == kind && bytes_of(entry) > 0) return true;
  }
  return false;
}

std::span<const Event> JournalRound::render(const Journal& journal, Journal::Place& place, uint64_t last_id,
                                            size_t bytes_max) {
  json_.clear();
  ends_.clear();
  events_.clear();
  const uint64_t first_id = place.id + 1;
  while (place.id < last_id && json_.size() < bytes_max) {
    journal.render_next(place, json_);
    ends_.push_back(json_.size());
  }
  size_t from = 0;
  for (size_t i = 0; i < ends_.size(); ++i) {
    events_.push_back({first_id + i, std::string_view(json_).substr(from, ends_[i] - from)});
    from = ends_[i];
  }
  return events_;
}

}  // namespace bobbin::chat
