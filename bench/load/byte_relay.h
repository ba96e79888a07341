#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/load/poller.h"
#include "bench/load/socket.h"

namespace bobbin::bench {

// The ceiling: takes connections, connects each to the upstream, and copies bytes both ways without looking at them.
// Nothing between a client and a model can do less.
class ByteRelay final : private Pollable {
 public:
  // `poller` outlives it.
  ByteRelay(Poller& poller, uint16_t upstream_port);
  ByteRelay(const ByteRelay&) = delete;
  ByteRelay& operator=(const ByteRelay&) = delete;
  ~ByteRelay();

  [[nodiscard]] uint16_t port() const { return listener_.port(); }
  // Frees what has ended. Between two waits.
  void sweep();

 private:
  class Pair;
  void on_ready(uint32_t events) noexcept override;

  Poller& poller_;
  const uint16_t upstream_port_;
  const Socket listener_ = Socket::listen();
  std::vector<std::unique_ptr<Pair>> pairs_;
  bool some_ended_ = false;
};

}  // namespace bobbin::bench
