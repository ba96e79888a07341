#pragma once

#include <string>

#include "src/api/sse_stream.h"
#include "src/chat/subscriber.h"

namespace bobbin::api {

// A client that follows a run: hands its events on as server-sent events. The stream begins with the first of them, so
// that a request that fails can still be answered with a status.
class SseSubscriber final : public chat::Subscriber, private SseStream::Writer {
 public:
  // `common_headers` go out with the head.
  SseSubscriber(Loop& loop, net::Responder responder, net::HeaderList common_headers, std::string user,
                std::string thread);

  chat::Appetite on_events(std::span<const chat::Event> events) noexcept override;
  void on_end() noexcept override;

 private:
  bool begin();
  void on_stream_gone() noexcept override;
  void on_stream_drained() noexcept override;

  SseStream stream_;
  const std::string user_;  // for the log
  const std::string thread_;
  bool begun_ = false;
  bool is_full_ = false;  // has said `enough`
};

}  // namespace bobbin::api
