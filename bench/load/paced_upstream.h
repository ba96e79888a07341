#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "bench/load/poller.h"
#include "bench/load/socket.h"

namespace bobbin::bench {

// How the upstream speaks.
struct Pace {
  // Between two tokens of one answer. 0: as fast as the sockets take them.
  int64_t interval_us = 20'000;
  // Of each answer; 0: until end_answers().
  uint64_t tokens = 0;
  // That leave with one send where there is no interval: what a fast model and a busy reader make of it.
  uint32_t tokens_per_send = 64;

  // From one token's number to the next one's (wire.h).
  [[nodiscard]] int64_t step() const noexcept { return interval_us > 0 ? interval_us : 1; }
};

// A model server that says numbers, for any number of connections at once. Each answer ticks at a time of its own
// within the interval, so that a thousand streams are a steady flow and not a thousand tokens in one instant.
//
// A token is sent as of the time at which it was due, however late it goes out: delays of this process, of a full
// socket or of a reader that stalls are in the latency that the client finds, and none is left out because something
// waited for another.
class PacedUpstream final : private Pollable {
 public:
  // `poller` outlives it.
  explicit PacedUpstream(Poller& poller);
  PacedUpstream(const PacedUpstream&) = delete;
  PacedUpstream& operator=(const PacedUpstream&) = delete;
  ~PacedUpstream();

  [[nodiscard]] uint16_t port() const { return listener_.port(); }
  // For the answers that begin from now on, which may tick for ever until end_answers(). None is under way.
  void set_pace(const Pace& pace);

  // Sends what is due. INT64_MAX: nothing will be.
  void send_due();
  [[nodiscard]] int64_t next_due_ns() const noexcept;
  // Every answer ends where it is, whole.
  void end_answers();

  // When the reader of answer `stream` closed its connection in the middle of it (now_ns()); nullopt: it has not.
  [[nodiscard]] std::optional<int64_t> closed_ns(uint64_t stream) const;

 private:
  class Speaker;
  // Dues of speakers, the next one first. An entry whose speaker has ended or gone is dropped when its time comes.
  struct Due {
    int64_t at_us;
    uint64_t speaker;
    friend bool operator>(const Due& one, const Due& other) noexcept { return one.at_us > other.at_us; }
  };

  void on_ready(uint32_t events) noexcept override;
  void remember(int64_t at_us, uint64_t speaker);
  void remove(uint64_t speaker);

  Poller& poller_;
  const Socket listener_ = Socket::listen();
  Pace pace_;
  std::unordered_map<uint64_t, std::unique_ptr<Speaker>> speakers_;  // one for each connection
  uint64_t last_speaker_ = 0;
  std::vector<Due> dues_;  // a heap
  std::unordered_map<uint64_t, int64_t> closed_ns_;
};

}  // namespace bobbin::bench
