#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/loop/loop.h"
#include "src/net/responder.h"

namespace bobbin::api {

// One answer as a stream of server-sent events: its head, its events, and a comment whenever it has been silent for
// limits::kSseHeartbeatMs, so that nobody on the way takes it for dead. On the worker's loop.
class SseStream final : private net::GoneListener, private Timer {
 public:
  // Who writes to the stream; outlives it. Either call may destroy both.
  class Writer {
   public:
    // The client has left, or was dropped, or the stream's time is over. Never inside a call of the stream.
    virtual void on_stream_gone() noexcept = 0;
    // After WriteState::slow: there is room again.
    virtual void on_stream_drained() noexcept {}

   protected:
    ~Writer() = default;
  };

  // `common_headers` go out with the head. `ends_us` (wall clock): the stream ends then, up to a heartbeat late.
  SseStream(Loop& loop, net::Responder responder, net::HeaderList common_headers, Writer& writer,
            int64_t ends_us = INT64_MAX);

  // Sends the head. Call once, before all else. False: the client has left.
  bool begin();
  // Events, as append_event() makes them.
  [[nodiscard]] net::WriteState send(std::string_view events);
  // The writer hears nothing any more.
  void end();

 private:
  void on_gone() noexcept override;
  void on_drained() noexcept override { writer_.on_stream_drained(); }
  void on_timer() noexcept override;

  Loop& loop_;
  const net::Responder responder_;
  net::HeaderList common_headers_;
  Writer& writer_;
  const int64_t ends_us_;
  uint64_t last_write_ms_ = 0;
};

// An event of one line. 0 is an id like any other; nullopt: an event without `id:`.
void append_event(std::string& out, std::optional<uint64_t> id, std::string_view json);

}  // namespace bobbin::api
