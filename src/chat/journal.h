#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/chat/event.h"
#include "storage/run_log.h"

namespace bobbin::chat {

// The events of a run that goes on, as its log has them: for readers that come later or fall behind, and for the answer
// at its end. Four bytes for each event beside its text.
class Journal {
 public:
  // A place between two events: after the one with this id.
  struct Place {
    uint64_t id = 0;
    size_t offset = 0;  // the journal's own
  };

  // The next event, of kind event, token or reasoning: what the log is given. At most kEventBytesMax.
  void append(store::RunLogKind kind, std::string_view logged);
  // Forgets the events after `id`.
  void drop_after(uint64_t id);

  // Of the newest event; 0: none.
  [[nodiscard]] uint64_t last_id() const noexcept { return entries_.size(); }
  // `id` <= last_id(). Costs an addition for each event before it.
  [[nodiscard]] Place place_after(uint64_t id) const noexcept;
  // Appends the JSON of the event after `place` to `out`, and moves `place` past it. There is one.
  void render_next(Place& place, std::string& out) const;

  // The texts of all events of one kind up to `last_id`, together.
  [[nodiscard]] std::string text(store::RunLogKind kind, uint64_t last_id = UINT64_MAX) const;
  [[nodiscard]] bool has(store::RunLogKind kind) const noexcept;
  // About what it holds.
  [[nodiscard]] size_t bytes() const noexcept { return text_.size() + entries_.size() * sizeof(uint32_t); }

  static constexpr size_t kEventBytesMax = (size_t{1} << 30) - 1;

 private:
  std::vector<uint32_t> entries_;  // kind in the upper 2 bits, bytes in the lower 30
  std::string text_;
};

// One round of a journal's events, rendered. Keeps its memory from round to round.
class JournalRound {
 public:
  // The events from `place` on, up to `last_id` or about `bytes_max`, at least one; moves `place` past them. Valid
  // until the next call.
  std::span<const Event> render(const Journal& journal, Journal::Place& place, uint64_t last_id, size_t bytes_max);

 private:
  std::string json_;
  std::vector<size_t> ends_;
  std::vector<Event> events_;
};

}  // namespace bobbin::chat
