// Proves how a name with several addresses is connected to. The resolver is replaced for names ending in `.dial.test`:
// `127.0.0.2+127.0.0.1.dial.test` has these two addresses, in this order.

#include "src/net/dialer.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>

#include "src/net/http_client.h"
#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

// Takes the place of libc's in this program, also for libuv's threads.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  static const auto real = reinterpret_cast<GetAddrInfo>(dlsym(RTLD_NEXT, "getaddrinfo"));
  constexpr std::string_view kSuffix = ".dial.test";
  std::string_view rest = node == nullptr ? "" : node;
  if (!rest.ends_with(kSuffix)) return real(node, service, hints, result);
  rest.remove_suffix(kSuffix.size());
  *result = nullptr;
  addrinfo** end = result;
  while (!rest.empty()) {
    const size_t plus = rest.find('+');
    std::string literal(rest.substr(0, plus));
    std::replace(literal.begin(), literal.end(), '_', ':');  // no colons in host names
    rest = plus == std::string_view::npos ? "" : rest.substr(plus + 1);
    if (real(literal.c_str(), service, hints, end) != 0) return EAI_NONAME;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *result == nullptr ? EAI_NONAME : 0;
}

namespace {

class Recorder final : public Dialer::User {
 public:
  void on_dialled(TcpSocketPtr connected) noexcept override {
    sockaddr_storage peer = {};
    int bytes = sizeof peer;
    uv_tcp_getpeername(&connected->tcp, reinterpret_cast<sockaddr*>(&peer), &bytes);
    char text[INET6_ADDRSTRLEN] = {};
    uv_ip_name(reinterpret_cast<sockaddr*>(&peer), text, sizeof text);
    outcome = text;
  }
  void on_dial_failed(const Error& error) noexcept override { outcome = error.detail; }
  std::string outcome;
};

struct Dial {
  Dial(World& world_in, std::string host, uint16_t port, AddressPolicy policy = nullptr) : world(world_in) {
    CHECK_OK(dialer->begin({std::move(host), port, policy}));
  }
  ~Dial() {
    dialer.reset();
    world.until([&] { return gate.count() == 0; });
  }
  const std::string& outcome() {
    world.until([&] { return !recorder.outcome.empty(); });
    return recorder.outcome;
  }
  World& world;
  Gate gate;
  Recorder recorder;
  std::optional<Dialer> dialer{std::in_place, world.loop, gate, recorder};
};

bool refuses_127_0_0_1(const sockaddr& address) noexcept {
  return reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr != htonl(INADDR_LOOPBACK);
}

}  // namespace

TEST_CASE(the_next_address_is_tried_at_once_when_one_refuses) {
  World world;
  PeerListener server(world);
  Dial dial(world, "127.0.0.2+127.0.0.3+127.0.0.1.dial.test", server.port());
  CHECK_EQ(dial.outcome(), "127.0.0.1");
}

TEST_CASE(the_next_address_is_tried_beside_one_that_hangs) {
  World world;
  FullListener hanging(world, "127.0.0.2");
  PeerListener server(world, false, 16, "127.0.0.1", hanging.listener().port());
  Dial dial(world, "127.0.0.2+127.0.0.1.dial.test", server.port());
  world.until([&] { return dial.gate.count() == 1 && !dial.dialer->is_looking_up(); });
  world.loop.advance_ms(Dialer::kNextAddressMs - 1);
  world.settle();
  CHECK_EQ(dial.recorder.outcome, "");
  world.loop.advance_ms(1);
  CHECK_EQ(dial.outcome(), "127.0.0.1");
}

TEST_CASE(an_address_that_hangs_and_then_no_other_is_waited_for) {
  World world;
  FullListener hanging(world, "127.0.0.2");
  Dial dial(world, "127.0.0.2+127.0.0.1.dial.test", hanging.listener().port());
  world.until([&] { return dial.gate.count() == 1 && !dial.dialer->is_looking_up(); });
  world.loop.advance_ms(Dialer::kNextAddressMs);  // 127.0.0.1 refuses
  world.until([&] { return dial.gate.count() == 1; });
  CHECK_EQ(dial.recorder.outcome, "");
}

TEST_CASE(families_take_turns) {
  World world;
  PeerListener server(world);
  // Of these only the v4 address has a listener; it is second in turn, so one step of time is enough even if both v6
  // addresses hang.
  Dial dial(world, "__1+__2+127.0.0.1.dial.test", server.port());
  world.until([&] { return !dial.dialer->is_looking_up(); });
  world.loop.advance_ms(Dialer::kNextAddressMs);
  CHECK_EQ(dial.outcome(), "127.0.0.1");
}

TEST_CASE(an_address_that_the_policy_refuses_is_passed_over) {
  World world;
  PeerListener allowed(world, false, 16, "127.0.0.2");
  PeerListener refused(world, false, 16, "127.0.0.1", allowed.port());
  Dial dial(world, "127.0.0.1+127.0.0.2.dial.test", allowed.port(), &refuses_127_0_0_1);
  CHECK_EQ(dial.outcome(), "127.0.0.2");
  CHECK(!refused.has_client());
}

TEST_CASE(when_every_address_fails_the_last_failure_is_told) {
  World world;
  uint16_t port = 0;
  { port = PeerListener(world).port(); }
  Dial dial(world, "127.0.0.2+127.0.0.1.dial.test", port);
  CHECK_EQ(dial.outcome(), "connection refused");
}

TEST_CASE(a_name_without_any_address_is_not_found) {
  World world;
  Dial dial(world, "x.dial.test", 80);
  CHECK_EQ(dial.outcome(), "host not found");
}
