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

bool SseSubscriber::on_event(const chat::Event& event) noexcept {
  if (gone_ || (!begun_ && !begin())) return false;
  frame_.clear();
  if (event.id == 0) {
    http::append_sse_data(frame_, "", event.json);
  } else {
    http::append_sse_event(frame_, event.id, event.json);
  }
  last_write_ms_ = loop_.now_ms();
  // A slow reader is not waited for: past the hard mark it is dropped, and comes back for the rest.
  return responder_.write(frame_) != net::WriteState::gone;
}

void SseSubscriber::on_end() noexcept {
  unwatch();
  if (!gone_) responder_.end();
}

void SseSubscriber::on_gone() noexcept {
  gone_ = true;
  disarm();
  log::info("stream broken", {{"user_id", user_}, {"thread_id", thread_}});
}

void SseSubscriber::on_timer() noexcept {
  const uint64_t due_ms = last_write_ms_ + limits::kSseHeartbeatMs;
  if (loop_.now_ms() < due_ms) {
    arm(loop_.timers(), due_ms);
    return;
  }
  frame_.clear();
  http::append_sse_comment(frame_, "");
  last_write_ms_ = loop_.now_ms();
  arm(loop_.timers(), last_write_ms_ + limits::kSseHeartbeatMs);
  if (responder_.write(frame_) == net::WriteState::gone) disarm();
}

}  // namespace bobbin::api
