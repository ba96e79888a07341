#include "src/api/sse_subscriber.h"

#include "proto_http/sse_writer.h"
#include "src/base/limits.h"
#include "src/base/log.h"

namespace bobbin::api {

SseSubscriber::SseSubscriber(Loop& loop, net::Responder responder, net::HeaderList common_headers, std::string user,
                             std::string thread)
    : loop_(loop),
      responder_(responder),
      common_headers_(std::move(common_headers)),
      user_(std::move(user)),
      thread_(std::move(thread)) {}

bool SseSubscriber::begin() {
  net::StreamHead head{.status = 200, .content_type = "text/event-stream", .headers = std::move(common_headers_)};
  head.headers.emplace_back("Cache-Control", "no-cache, no-transform");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold tokens back
  if (!responder_.begin_stream(head) || !responder_.watch(*this)) return false;
  begun_ = true;
  arm(loop_.timers(), loop_.now_ms() + limits::kSseHeartbeatMs);
  return true;
}

chat::Appetite SseSubscriber::on_events(std::span<const chat::Event> events) noexcept {
  if (!begun_ && !begin()) return chat::Appetite::gone;
  thread_local std::string frames;  // keeps its memory from round to round
  frames.clear();
  for (const chat::Event& event : events) {
    if (event.id == 0) {
      http::append_sse_data(frames, "", event.json);
    } else {
      http::append_sse_event(frames, event.id, event.json);
    }
  }
  last_write_ms_ = loop_.now_ms();
  switch (responder_.write(frames)) {
    case net::WriteState::ok: return chat::Appetite::more;
    case net::WriteState::slow: is_full_ = true; return chat::Appetite::enough;
    case net::WriteState::gone: return chat::Appetite::gone;
  }
  return chat::Appetite::gone;
}

void SseSubscriber::on_end() noexcept {
  unwatch();
  // Not one event, and the end: the client has all of the run already.
  if (begun_ || begin()) responder_.end();
}

void SseSubscriber::on_gone() noexcept {
  disarm();
  log::info("stream broken", {{"user_id", user_}, {"thread_id", thread_}});
  source()->on_gone(*this);  // the last touch
}

void SseSubscriber::on_drained() noexcept {
  if (!is_full_) return;
  is_full_ = false;
  source()->on_hungry(*this);  // the last touch
}

void SseSubscriber::on_timer() noexcept {
  const uint64_t due_ms = last_write_ms_ + limits::kSseHeartbeatMs;
  if (loop_.now_ms() < due_ms) {
    arm(loop_.timers(), due_ms);
    return;
  }
  last_write_ms_ = loop_.now_ms();
  arm(loop_.timers(), last_write_ms_ + limits::kSseHeartbeatMs);
  if (is_full_) return;  // what waits for the client says enough
  std::string frame;
  http::append_sse_comment(frame, "");
  if (responder_.write(frame) == net::WriteState::gone) disarm();
}

}  // namespace bobbin::api
