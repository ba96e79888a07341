#pragma once

#include <string>

#include "src/chat/subscriber.h"
#include "src/loop/loop.h"
#include "src/net/responder.h"

namespace bobbin::api {

// A client that follows a run: hands its events on as server-sent events. The stream begins with the first of them, so
// that a request that fails can still be answered with a status.
class SseSubscriber final : public chat::Subscriber, private net::GoneListener, private Timer {
 public:
  // `common_headers` go out with the head.
  SseSubscriber(Loop& loop, net::Responder responder, net::HeaderList common_headers, std::string user,
                std::string thread);

  chat::Appetite on_events(std::span<const chat::Event> events) noexcept override;
  void on_end() noexcept override;

 private:
  bool begin();
  void on_gone() noexcept override;
  void on_drained() noexcept override;
  void on_timer() noexcept override;

  Loop& loop_;
  net::Responder responder_;
  net::HeaderList common_headers_;
  const std::string user_;  // for the log
  const std::string thread_;
  uint64_t last_write_ms_ = 0;
  bool begun_ = false;
  bool is_full_ = false;  // has said `enough`
};

}  // namespace bobbin::api
