#pragma once

#include <cstdint>
#include <span>

#include "src/chat/event.h"

namespace bobbin::chat {

class Subscriber;

// Who hands events to a subscriber. Both are on one loop.
class EventSource {
 public:
  // `subscriber` has said `enough` and has room again. May call it, and may destroy it: the caller's last touch.
  virtual void on_hungry(Subscriber& subscriber) noexcept = 0;
  // Nobody is behind `subscriber` any more. Destroys it: the caller's last touch.
  virtual void on_gone(Subscriber& subscriber) noexcept = 0;

 protected:
  ~EventSource() = default;
};

// What a subscriber says after each round of events, all of which it has taken.
enum class Appetite : uint8_t {
  more,
  enough,  // no more until EventSource::on_hungry(); what comes meanwhile waits where it is kept anyway
  gone,    // nobody is there: destroy it
};

// One reader of a run's events: a stream to a client, in whatever format it speaks. Costs its source a place in the
// run's events, never a copy of them.
class Subscriber {
 public:
  Subscriber() = default;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  virtual ~Subscriber() = default;

  // The next events, in order; about kRoundBytesMax at most where they were waiting. Never calls its source.
  virtual Appetite on_events(std::span<const Event> events) noexcept = 0;
  // The run has nothing more to say here. Destroyed right after.
  virtual void on_end() noexcept = 0;

  static constexpr size_t kRoundBytesMax = 64 * 1024;

  // Called by the source that takes it over, before any event.
  void bind(EventSource& source) noexcept { source_ = &source; }

 protected:
  // Null before the first bind().
  [[nodiscard]] EventSource* source() const noexcept { return source_; }

 private:
  EventSource* source_ = nullptr;
};

}  // namespace bobbin::chat
