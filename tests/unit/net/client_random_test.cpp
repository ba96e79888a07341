// Proves over random exchanges that an answer which ends without an error is whole, that one with an error is the
// beginning of what was sent, that a connection is kept exactly when it can serve again, and that nothing leaks,
// whatever pieces, cuts, cancels and pauses come together. Prints its seed when it fails; BOBBIN_TEST_SEED sets one.

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(engine_); }
  bool one_in(size_t n) { return below(n) == 0; }

 private:
  std::mt19937 engine_;
};

struct Script {
  std::string body;
  std::string wire;
  bool ends_by_close;
};

Script make_script(Dice& dice) {
  Script script = {};
  for (size_t i = dice.below(2000); i > 0; --i) script.body.push_back(static_cast<char>('a' + dice.below(26)));
  script.wire = "HTTP/1.1 200 OK\r\n";
  switch (dice.below(3)) {
    case 0: script.wire += "Content-Length: " + std::to_string(script.body.size()) + "\r\n\r\n" + script.body; break;
    case 1: {
      script.wire += "Transfer-Encoding: chunked\r\n\r\n";
      for (size_t at = 0; at < script.body.size();) {
        const size_t bytes = std::min(1 + dice.below(300), script.body.size() - at);
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", bytes);
        script.wire += size + script.body.substr(at, bytes) + "\r\n";
        at += bytes;
      }
      script.wire += "0\r\n\r\n";
      break;
    }
    default: script.wire += "\r\n" + script.body; script.ends_by_close = true;
  }
  return script;
}

// One exchange on `peer`, or on a fresh connection when there is none. Leaves no peer when its connection has ended.
void play(World& world, Dice& dice, PeerListener& server, Exchange& x, std::optional<PeerConnection>& peer) {
  const bool is_kept = peer.has_value();
  if (!is_kept) peer.emplace(server.accept());
  peer->read_until("\r\n\r\n");
  const Script script = make_script(dice);
  const bool is_cut = dice.one_in(3);
  const bool is_cancelled = dice.one_in(5);
  const bool is_silent = is_cut && dice.one_in(6);
  const size_t bytes_sent = is_silent ? 0 : is_cut ? dice.below(script.wire.size()) : script.wire.size();
  peer->send(std::string_view(script.wire).substr(0, bytes_sent), 1 + dice.below(700));
  if (x.is_slow && dice.one_in(2)) x.allow_one_read();
  if (is_cancelled) x.scope.request();
  if (is_cut || script.ends_by_close) dice.one_in(4) ? peer->reset() : peer->close();
  if (is_kept && bytes_sent == 0 && !is_cancelled) {
    // Not one byte of an answer on a connection kept from before: the client asks again, on a fresh one, and what the
    // server does there counts.
    peer.reset();
    play(world, dice, server, x, peer);
    return;
  }
  x.allow_all_reads();
  world.finish(x);
  CHECK_EQ(x.body, script.body.substr(0, x.body.size()));
  // Plain HTTP without a length cannot tell a cut from an end.
  if (!x.error && !(is_cut && script.ends_by_close)) CHECK_EQ(x.body.size(), script.body.size());
  if (!is_cut && !is_cancelled && !script.ends_by_close) CHECK(!x.error);
  if (bytes_sent == 0) CHECK(x.error);
  if (x.error || is_cut || script.ends_by_close) peer.reset();
}

void play_many(unsigned seed) {
  Dice dice(seed);
  World world;
  PeerListener server(world);
  std::optional<PeerConnection> peer;
  for (int i = 0; i < 150; ++i) {
    Exchange& x = world.start(get_options(server.url()), dice.one_in(3));
    play(world, dice, server, x, peer);
    CHECK_EQ(world.client->pooled_count(), size_t{peer ? 1U : 0U});
    CHECK(!server.has_client());
    world.forget(x);
  }
}

}  // namespace

TEST_CASE(random_exchanges_are_whole_or_say_that_they_are_not) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");
  const unsigned first =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  for (unsigned seed = first; seed < first + 5; ++seed) {
    try {
      play_many(seed);
    } catch (const bobbin::test::Failure&) {
      std::fprintf(stderr, "BOBBIN_TEST_SEED=%u\n", seed);
      throw;
    }
  }
}
