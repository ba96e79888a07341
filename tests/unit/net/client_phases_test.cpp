// Proves what ends a call early: the timeout of each phase, a cancel in each phase, connections that fail, the address
// policy, and the end of the client itself. The clock is manual; phases are held open by peers that do nothing.

#include <array>
#include <semaphore>

#include "src/loop/spawn.h"
#include "src/net/http_client.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

std::string outcome(const Exchange& x) {
  if (!x.done) return "under way";
  if (!x.error) return "answered";
  return std::string(code_name(x.error->code)) + ": " + x.error->detail;
}

HttpCallOptions timed_options(const std::string& url) {
  HttpCallOptions options = get_options(url);
  options.connect_timeout_ms = 100;
  options.first_byte_timeout_ms = 200;
  options.idle_timeout_ms = 300;
  return options;
}

// The call is under way until just before `after_ms`, then ends as `expected` says.
void check_times_out(World& world, Exchange& x, uint64_t after_ms, std::string_view expected) {
  world.settle();
  world.loop.advance_ms(after_ms - 1);
  CHECK_EQ(outcome(x), "under way");
  world.loop.advance_ms(1);
  CHECK_EQ(outcome(x), expected);
}

// Keeps all of libuv's pool threads busy, so that a name lookup waits.
class BusyPool {
 public:
  explicit BusyPool(World& world) : world_(world) {
    for (Work& work : works_) {
      work.request.data = &work;
      work.pool = this;
      uv_queue_work(
          world.loop.uv(), &work.request,
          [](uv_work_t* request) { static_cast<Work*>(request->data)->pool->release_.acquire(); },
          [](uv_work_t* request, int) { ++static_cast<Work*>(request->data)->pool->done_; });
    }
  }
  ~BusyPool() {
    release_.release(kThreads);
    world_.until([&] { return done_ == kThreads; });
  }

 private:
  static constexpr int kThreads = 4;  // libuv's default
  struct Work {
    uv_work_t request;
    BusyPool* pool;
  };
  World& world_;
  std::counting_semaphore<> release_{0};
  std::array<Work, kThreads> works_;
  int done_ = 0;
};

HttpClientOptions tls_options(const TestAuthority& authority) {
  return {.tls = CHECK_OK(TlsContext::make_client(authority.file())), .proxies = {}};
}

}  // namespace

TEST_CASE(a_name_lookup_has_its_time) {
  World world;
  PeerListener server(world);
  BusyPool busy(world);
  Exchange& x = world.start(timed_options(server.url_for("http", "localhost")));
  check_times_out(world, x, 100, "timeout: name lookup took too long");
}

TEST_CASE(a_connect_has_its_time) {
  World world;
  FullListener full(world);
  Exchange& x = world.start(timed_options(full.listener().url()));
  check_times_out(world, x, 100, "timeout: no connection in time");
}

TEST_CASE(a_handshake_has_its_time) {
  TestAuthority authority;
  World world(tls_options(authority));
  PeerListener server(world);
  Exchange& x = world.start(timed_options(server.url_for("https", "127.0.0.1")));
  PeerConnection peer = server.accept();
  check_times_out(world, x, 100, "timeout: TLS: no handshake in time");
  CHECK(peer.is_closed_by_client());
}

TEST_CASE(the_head_has_its_time_even_when_it_dribbles) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(timed_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  world.loop.advance_ms(150);
  peer.send("HTTP/1.1 200 OK\r\nX: ", 1);
  check_times_out(world, x, 50, "timeout: no answer in time");
}

TEST_CASE(silence_in_a_body_has_its_time_from_the_last_byte) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(timed_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  world.until([&] { return x.body == "abc"; });
  world.loop.advance_ms(299);
  peer.send("d");
  world.until([&] { return x.body == "abcd"; });
  check_times_out(world, x, 300, "timeout: the answer stopped");
  CHECK(peer.is_closed_by_client());
}

TEST_CASE(a_cancel_during_the_lookup_ends_the_call_at_once) {
  World world;
  PeerListener server(world);
  BusyPool busy(world);
  Exchange& x = world.start(timed_options(server.url_for("http", "localhost")));
  world.settle();
  CHECK_EQ(world.client->open_count(), size_t{1});
  x.scope.request();
  CHECK_EQ(outcome(x), "cancelled: ");
  // The queued lookup is gone with it; it needs no pool thread.
  world.until([&] { return world.client->open_count() == 0; });
}

TEST_CASE(a_cancel_while_a_thread_looks_the_name_up_leaves_the_thread_to_itself) {
  World world;
  PeerListener server(world);
  for (int i = 0; i < 50; ++i) {
    Exchange& x = world.start(timed_options(server.url_for("http", "localhost")));
    x.scope.request();
    CHECK_EQ(outcome(x), "cancelled: ");
    world.forget(x);
  }
}

TEST_CASE(a_cancel_during_connect_ends_the_call_at_once) {
  World world;
  FullListener full(world);
  Exchange& x = world.start(timed_options(full.listener().url()));
  world.settle();
  CHECK_EQ(outcome(x), "under way");
  x.scope.request();
  CHECK_EQ(outcome(x), "cancelled: ");
}

TEST_CASE(a_cancel_during_the_handshake_closes_the_socket_at_once) {
  TestAuthority authority;
  World world(tls_options(authority));
  PeerListener server(world);
  Exchange& x = world.start(timed_options(server.url_for("https", "127.0.0.1")));
  PeerConnection peer = server.accept();
  world.settle();
  x.scope.request();
  CHECK_EQ(outcome(x), "cancelled: ");
  CHECK(peer.is_closed_by_client());
}

TEST_CASE(a_cancel_before_the_head_and_in_the_body_closes_the_socket_at_once) {
  for (const std::string_view sent : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}) {
    World world;
    PeerListener server(world);
    Exchange& x = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(sent);
    world.settle();
    CHECK(!peer.is_closed_by_client());
    x.scope.request();
    CHECK_EQ(outcome(x), "cancelled: ");
    CHECK(peer.is_closed_by_client());  // without a turn of the loop
  }
}

TEST_CASE(a_cancel_asked_before_the_call_sends_nothing) {
  World world;
  PeerListener server(world);
  CancelScope scope;
  scope.request();
  HttpCall call(*world.client, get_options(server.url()), scope);
  Gate gate;
  std::optional<Error> error;
  struct Run {
    static Task<void> head(HttpCall* asked, std::optional<Error>* out) {
      auto result = co_await asked->head();
      if (!result) *out = result.error();
    }
  };
  spawn(gate, Run::head(&call, &error));
  CHECK(error.has_value() && error->code == Code::cancelled);
  CHECK(!server.has_client());
}

TEST_CASE(what_waits_is_dropped_by_a_cancel) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()), true);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  world.settle();
  x.scope.request();
  CHECK_EQ(outcome(x), "under way");  // the consumer is busy elsewhere
  x.allow_one_read();
  CHECK_EQ(outcome(x), "cancelled: ");
  CHECK_EQ(x.body, "");
}

TEST_CASE(a_refused_connection_says_so) {
  World world;
  std::string url;
  {
    PeerListener gone(world);
    url = gone.url();
  }
  CHECK_EQ(outcome(world.get(url)), "io: connection refused");
}

TEST_CASE(a_name_without_addresses_is_an_error) {
  World world;
  const std::string said = outcome(world.get("http://no-such-host.invalid/"));
  // Without a network the resolver cannot say more than that it does not know.
  CHECK(said == "io: host not found" || said == "io: no name server answers");
}

TEST_CASE(ipv6_addresses_work) {
  World world;
  PeerListener server(world, true);
  Exchange& x = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  CHECK(peer.read_request().find("\r\nHost: [::1]:") != std::string::npos);
  peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  world.finish(x);
  CHECK_EQ(outcome(x), "answered");
}

TEST_CASE(the_policy_sees_the_resolved_address_before_anything_is_sent) {
  World world;
  PeerListener server(world);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    HttpCallOptions options = get_options(server.url_for("http", host));
    options.address_policy = [](const sockaddr&) noexcept { return false; };
    Exchange& x = world.start(options);
    world.finish(x);
    CHECK_EQ(outcome(x), "forbidden: connections to this address are not allowed");
  }
  CHECK(!server.has_client());
}

TEST_CASE(a_connection_made_without_a_policy_does_not_serve_a_call_with_one) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  world.finish(x);
  CHECK_EQ(world.client->pooled_count(), size_t{1});
  HttpCallOptions options = get_options(server.url());
  options.address_policy = [](const sockaddr&) noexcept { return false; };
  Exchange& judged = world.start(options);
  CHECK_EQ(judged.error->code, Code::forbidden);
}

TEST_CASE(closing_the_client_ends_calls_in_every_phase_and_the_loop) {
  TestAuthority authority;
  World world(tls_options(authority));
  PeerListener server(world);
  FullListener full(world);
  Exchange& connecting = world.start(get_options(full.listener().url()));
  Exchange& looking_up = world.start(get_options(server.url_for("http", "localhost")));
  Exchange& handshaking = world.start(get_options(server.url_for("https", "127.0.0.1")));
  Exchange& awaiting = world.start(get_options(server.url()));
  Exchange& reading = world.start(get_options(full.listener().url()));
  reading.scope.request();
  world.is_closing = true;
  world.client->begin_close();
  for (const Exchange* x : {&connecting, &looking_up, &handshaking, &awaiting, &reading})
    CHECK_EQ(outcome(*x), "cancelled: ");
  world.until([&] { return world.client->open_count() == 0; });
  CHECK_EQ(outcome(world.start(get_options(server.url()))), "cancelled: ");
}
