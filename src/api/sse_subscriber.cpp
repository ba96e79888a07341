#include "src/api/sse_subscriber.h"

#include "src/base/log.h"

namespace bobbin::api {

SseSubscriber::SseSubscriber(Loop& loop, net::Responder responder, net::HeaderList common_headers, std::string user,
                             std::string thread)
    : stream_(loop, responder, std::move(common_headers), *this), user_(std::move(user)), thread_(std::move(thread)) {}

bool SseSubscriber::begin() {
  if (!begun_) begun_ = stream_.begin();
  return begun_;
}

chat::Appetite SseSubscriber::on_events(std::span<const chat::Event> events) noexcept {
  if (!begin()) return chat::Appetite::gone;
  thread_local std::string frames;  // keeps its memory from round to round
  frames.clear();
  for (const chat::Event& event : events) {
    append_event(frames, event.id == 0 ? std::nullopt : std::optional(event.id), event.json);
  }
  switch (stream_.send(frames)) {
    case net::WriteState::ok: return chat::Appetite::more;
    case net::WriteState::slow: is_full_ = true; return chat::Appetite::enough;
    case net::WriteState::gone: return chat::Appetite::gone;
  }
  return chat::Appetite::gone;
}

void SseSubscriber::on_end() noexcept {
  // Not one event, and the end: the client has all of the run already.
  if (begin()) stream_.end();
}

void SseSubscriber::on_stream_gone() noexcept {
  log::info("stream broken", {{"user_id", user_}, {"thread_id", thread_}});
  source()->on_gone(*this);  // the last touch
}

void SseSubscriber::on_stream_drained() noexcept {
  if (!is_full_) return;  // it was the comment that filled the buffer
  is_full_ = false;
  source()->on_hungry(*this);  // the last touch
}

}  // namespace bobbin::api
