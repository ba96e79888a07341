#include "src/chat/run.h"

#include <algorithm>

#include "src/base/assert.h"
#include "src/base/clock.h"

namespace bobbin::chat {
namespace {

thread_local JournalRound this_round;

}  // namespace

Run::Run(Outbox& outbox, const Uuid& id, std::string user, std::string thread) : outbox_(outbox) {
  started.run_id = id;
  started.user = std::move(user);
  started.thread = std::move(thread);
}

void Run::publish(store::RunLogKind kind, std::string_view logged) {
  if (log_failure_) return;
  journal_.append(kind, logged);
  if (kind == store::RunLogKind::token) text_bytes_ += logged.size();
  outbox_.log().append(started.run_id, journal_.last_id(), kind, logged);
  outbox_.add(*this);
}

void Run::log_aside(store::RunLogKind kind, std::string_view bytes) {
  if (log_failure_) return;
  outbox_.log().append(started.run_id, 0, kind, bytes);
  outbox_.add(*this);
}

void Run::on_flushed(Result<void> flushed) noexcept {
  if (flushed) {
    logged_id_ = journal_.last_id();
  } else {
    // Ids go on without a gap from what the log has: the end of the run is the next one.
    journal_.drop_after(logged_id_);
  }
  hand_out();
  if (flushed || log_failure_) return;
  log_failure_ = flushed.error();
  scope.request();  // the last touch: the run may end inside
}

void Run::open_gate() {
  if (gate_opened_.is_done()) return;
  if (logged_id_ > handed_.id) outbox_.add(*this);
  gate_opened_.complete();
}

void Run::hand_out() noexcept {
  if (!gate_opened_.is_done()) return;
  bool some_left = false;
  // A turn can bring a flood: in rounds, so that a reader who has enough is asked before it gets more.
  while (handed_.id < logged_id_) {
    const uint64_t before = handed_.id;
    const std::span<const Event> events = this_round.render(journal_, handed_, logged_id_, Subscriber::kRoundBytesMax);
    for (Reader& reader : readers_) {
      if (!reader.is_hungry || reader.place.id != before) continue;
      const Appetite appetite = reader.subscriber->on_events(events);
      reader.place = handed_;
      reader.is_hungry = appetite == Appetite::more;
      if (appetite != Appetite::gone) continue;
      some_left |= reader.stops_when_gone;
      reader.subscriber.reset();
    }
    std::erase_if(readers_, [](const Reader& reader) { return reader.subscriber == nullptr; });
  }
  if (on_text_ && text_bytes_ >= text_watched_bytes_) std::exchange(on_text_, nullptr)();
  if (some_left) cancel(Cancelled::disconnected);  // the last touch
}

bool Run::serve(Reader& reader) noexcept {
  while (reader.is_hungry && reader.place.id < handed_.id) {
    const std::span<const Event> events =
        this_round.render(journal_, reader.place, handed_.id, Subscriber::kRoundBytesMax);
    const Appetite appetite = reader.subscriber->on_events(events);
    if (appetite == Appetite::gone) return false;
    reader.is_hungry = appetite == Appetite::more;
  }
  return true;
}

void Run::attach(std::unique_ptr<Subscriber> subscriber, const AttachOptions& options) {
  subscriber->bind(*this);
  Reader reader{.subscriber = std::move(subscriber),
                .place = handed_,
                .is_hungry = true,
                .stops_when_gone = options.stops_when_gone};
  const auto tell = [&](const Event& event) {
    const Appetite appetite = reader.subscriber->on_events({&event, 1});
    reader.is_hungry = appetite == Appetite::more;
    return appetite != Appetite::gone;
  };
  if (state == State::queued && options.queued_position != 0 &&
      !tell({0, queued_event(started.thread, started.run_id, options.queued_position)})) {
    return;
  }
  if (options.after <= handed_.id) {
    reader.place = journal_.place_after(options.after);
  } else if (options.after != kFromNow && !tell({handed_.id, resync_json()})) {
    return;
  }
  if (serve(reader)) readers_.push_back(std::move(reader));
}

std::vector<Run::Behind> Run::publish_end(std::string_view json) {
  BOBBIN_ASSERT(gate_opened_.is_done() && handed_.id == journal_.last_id());
  const Event end{journal_.last_id() + 1, json};
  std::vector<Behind> behind;
  for (Reader& reader : std::exchange(readers_, {})) {
    if (!reader.is_hungry || reader.place.id != handed_.id) {
      behind.push_back({std::move(reader.subscriber), reader.place.id});
    } else if (reader.subscriber->on_events({&end, 1}) != Appetite::gone) {
      reader.subscriber->on_end();
    }
  }
  return behind;
}

void Run::end_streams() noexcept {
  for (const Reader& reader : std::exchange(readers_, {})) reader.subscriber->on_end();
}

void Run::on_hungry(Subscriber& subscriber) noexcept {
  const auto found = std::find_if(readers_.begin(), readers_.end(),
                                  [&](const Reader& reader) { return reader.subscriber.get() == &subscriber; });
  BOBBIN_ASSERT(found != readers_.end());
  found->is_hungry = true;
  if (!serve(*found)) on_gone(subscriber);
}

void Run::on_gone(Subscriber& subscriber) noexcept {
  const auto found = std::find_if(readers_.begin(), readers_.end(),
                                  [&](const Reader& reader) { return reader.subscriber.get() == &subscriber; });
  BOBBIN_ASSERT(found != readers_.end());
  const bool stops = found->stops_when_gone;
  readers_.erase(found);
  if (stops) cancel(Cancelled::disconnected);
}

std::string Run::resync_json() const {
  store::Message message;
  message.id = started.message_id;
  message.role = store::Role::assistant;
  message.created_us = wall_now_us();
  message.status = store::MessageStatus::interrupted;  // so far it is not whole
  message.run_id = started.run_id;
  message.content = journal_.text(store::RunLogKind::token, handed_.id);
  message.reasoning = journal_.text(store::RunLogKind::reasoning, handed_.id);
  return resync_event(started.thread, started.run_id, &message);
}

void Run::cancel(Cancelled why) noexcept {
  if (cancelled_ == Cancelled::no) cancelled_ = why;
  scope.request();
}

}  // namespace bobbin::chat
