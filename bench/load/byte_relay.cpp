#include "bench/load/byte_relay.h"

#include <array>
#include <utility>

namespace bobbin::bench {

// One client and its connection to the upstream. When either side ends, both do.
class ByteRelay::Pair {
 public:
  Pair(ByteRelay& relay, Socket client)
      : relay_(relay), client_(*this, std::move(client)), upstream_(*this, Socket::connect(relay.upstream_port_)) {
    client_.peer = &upstream_;
    upstream_.peer = &client_;
    for (Side* side : {&client_, &upstream_}) relay_.poller_.add(side->socket.fd(), EPOLLIN, *side);
  }
  ~Pair() { end(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  [[nodiscard]] bool has_ended() const noexcept { return !client_.socket.is_open(); }

 private:
  struct Side final : Pollable {
    Side(Pair& owner, Socket own) : pair(owner), socket(std::move(own)) {}
    void on_ready(uint32_t events) noexcept override {
      if ((events & EPOLLOUT) != 0 && !outgoing.flush(socket)) return pair.end();
      if ((events & ~uint32_t{EPOLLOUT}) != 0 && !pair.copy(*this)) return pair.end();
      pair.watch(*this);
    }
    Pair& pair;
    Socket socket;
    Outgoing outgoing;
    Side* peer = nullptr;
    uint32_t watched = EPOLLIN;
  };

  // One read, and its write. False: either side is gone.
  static bool copy(Side& from) {
    static std::array<char, size_t{64} * 1024> buffer;
    const auto bytes = from.socket.receive(buffer.data(), buffer.size());
    return bytes && (bytes->empty() || from.peer->outgoing.send(from.peer->socket, *bytes));
  }
  // A side is read while its peer takes everything, and asked for room while something waits.
  void watch(Side& side) {
    for (Side* one : {&side, side.peer}) {
      const uint32_t events = (one->peer->outgoing.is_empty() ? uint32_t{EPOLLIN} : 0) |
                              (one->outgoing.is_empty() ? 0 : uint32_t{EPOLLOUT});
      if (events != one->watched) relay_.poller_.change(one->socket.fd(), events, *one);
      one->watched = events;
    }
  }
  void end() {
    if (has_ended()) return;
    for (Side* side : {&client_, &upstream_}) {
      relay_.poller_.remove(side->socket.fd(), *side);
      side->socket.close();
    }
    relay_.some_ended_ = true;
  }

  ByteRelay& relay_;
  Side client_;
  Side upstream_;
};

ByteRelay::ByteRelay(Poller& poller, uint16_t upstream_port) : poller_(poller), upstream_port_(upstream_port) {
  poller_.add(listener_.fd(), EPOLLIN, *this);
}

ByteRelay::~ByteRelay() { poller_.remove(listener_.fd(), *this); }

void ByteRelay::on_ready(uint32_t) noexcept {
  while (std::optional<Socket> client = listener_.accept()) {
    pairs_.push_back(std::make_unique<Pair>(*this, std::move(*client)));
  }
}

void ByteRelay::sweep() {
  if (!std::exchange(some_ended_, false)) return;
  std::erase_if(pairs_, [](const auto& pair) { return pair->has_ended(); });
}

}  // namespace bobbin::bench
