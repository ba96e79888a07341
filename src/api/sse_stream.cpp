#include "src/api/sse_stream.h"

#include "proto_http/sse_writer.h"
#include "src/base/clock.h"
#include "src/base/limits.h"

namespace bobbin::api {

SseStream::SseStream(Loop& loop, net::Responder responder, net::HeaderList common_headers, Writer& writer,
                     int64_t ends_us)
    : loop_(loop),
      responder_(responder),
      common_headers_(std::move(common_headers)),
      writer_(writer),
      ends_us_(ends_us) {}

bool SseStream::begin() {
  net::StreamHead head{.status = 200, .content_type = "text/event-stream", .headers = std::move(common_headers_)};
  head.headers.emplace_back("Cache-Control", "no-cache, no-transform");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold events back
  if (!responder_.begin_stream(head) || !responder_.watch(*this)) return false;
  last_write_ms_ = loop_.now_ms();
  arm(loop_.timers(), last_write_ms_ + limits::kSseHeartbeatMs);
  return true;
}

net::WriteState SseStream::send(std::string_view events) {
  last_write_ms_ = loop_.now_ms();
  const net::WriteState state = responder_.write(events);
  if (state == net::WriteState::gone) disarm();
  return state;
}

void SseStream::end() {
  unwatch();
  disarm();
  responder_.end();
}

void SseStream::on_gone() noexcept {
  disarm();
  writer_.on_stream_gone();
}

void SseStream::on_timer() noexcept {
  if (wall_now_us() >= ends_us_) {
    end();
    return writer_.on_stream_gone();
  }
  // Moving the timer on with every event would cost more than finding out here that it was not due.
  const uint64_t due_ms = last_write_ms_ + limits::kSseHeartbeatMs;
  if (loop_.now_ms() < due_ms) {
    arm(loop_.timers(), due_ms);
    return;
  }
  arm(loop_.timers(), loop_.now_ms() + limits::kSseHeartbeatMs);
  std::string comment;
  http::append_sse_comment(comment, "");
  // Where the client is gone on_gone() follows; where it is slow the marks and the stall timeout hold.
  static_cast<void>(send(comment));
}

void append_event(std::string& out, std::optional<uint64_t> id, std::string_view json) {
  if (id) {
    http::append_sse_event(out, *id, json);
  } else {
    http::append_sse_data(out, "", json);
  }
}

}  // namespace bobbin::api
