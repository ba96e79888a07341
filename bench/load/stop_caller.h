#pragma once

#include <cstdint>
#include <string>

#include "bench/load/poller.h"
#include "bench/load/socket.h"
#include "proto_http/response_parser.h"

namespace bobbin::bench {

// Asks for stops, one after the other, each on a connection of its own.
class StopCaller final : private Pollable {
 public:
  // `poller` outlives it.
  StopCaller(Poller& poller, uint16_t port) : poller_(poller), port_(port) {}
  StopCaller(const StopCaller&) = delete;
  StopCaller& operator=(const StopCaller&) = delete;
  ~StopCaller() { close(); }

  // Sends POST /chat/stop for `thread` as soon as the connection is there. The stop before has been answered.
  void ask(const std::string& thread, const std::string& bearer);

  // When the request went out (now_ns()); 0: not yet.
  [[nodiscard]] int64_t sent_ns() const noexcept { return sent_ns_; }
  [[nodiscard]] bool is_answered() const noexcept { return is_answered_; }
  // 0: no answer, or none that is one.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  void on_ready(uint32_t events) noexcept override;
  void answered(int status);
  void close();

  Poller& poller_;
  const uint16_t port_;
  Socket socket_;
  std::string request_;
  http::ResponseParser parser_{http::RequestKind::normal};
  int64_t sent_ns_ = 0;
  bool is_answered_ = true;
  int status_ = 0;
};

}  // namespace bobbin::bench
