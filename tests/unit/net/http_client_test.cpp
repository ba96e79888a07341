// Proves the outbound client's exchange and its pool: keep-alive, the one retry, every framing whole and cut, bounds.
// Scripted servers on real loopback sockets; the clock is manual.

#include "src/net/http_client.h"

#include "src/loop/spawn.h"
#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
constexpr std::string_view kUntilClose = "HTTP/1.1 200 OK\r\n\r\nhello";

Code code_of(const Exchange& x) { return x.error ? x.error->code : Code::internal; }
std::string detail_of(const Exchange& x) { return x.error ? x.error->detail : "no error"; }

}  // namespace

TEST_CASE(a_request_goes_out_as_asked_and_its_answer_comes_back) {
  World world;
  PeerListener server(world);
  HttpCallOptions options = get_options(server.url("/v1/chat?x=1"));
  options.method = "POST";
  options.headers = {{"Authorization", "Bearer k"}, {"Content-Type", "application/json"}};
  options.body = "{\"a\":1}";
  Exchange& x = world.start(options);
  PeerConnection peer = server.accept();
  const std::string request = peer.read_request();
  CHECK(request.starts_with("POST /v1/chat?x=1 HTTP/1.1\r\n"));
  CHECK(request.find("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
  CHECK(request.find("\r\nAuthorization: Bearer k\r\n") != std::string::npos);
  CHECK(request.ends_with("\r\n\r\n{\"a\":1}"));
  peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nX-Y: z\r\nContent-Length: 4\r\n\r\ngone");
  world.finish(x);
  CHECK(!x.error);
  CHECK_EQ(x.head->status(), 404);
  CHECK_EQ(x.head->find_header("x-y").value_or(""), std::string_view("z"));
  CHECK_EQ(x.body, "gone");
}

TEST_CASE(one_connection_serves_one_call_after_another) {
  World world;
  PeerListener server(world);
  Exchange& first = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  for (Exchange* x = &first;;) {
    peer.read_request();
    peer.send(kHello);
    world.finish(*x);
    CHECK_EQ(x->body, "hello");
    CHECK_EQ(world.client->pooled_count(), size_t{1});
    if (x != &first) break;
    x = &world.start(get_options(server.url()));
  }
  CHECK(!server.has_client());
}

TEST_CASE(calls_at_the_same_time_do_not_share_a_connection) {
  World world;
  PeerListener server(world);
  Exchange& first = world.start(get_options(server.url("/1")));
  PeerConnection peer1 = server.accept();
  Exchange& second = world.start(get_options(server.url("/2")));
  PeerConnection peer2 = server.accept();
  CHECK(peer2.read_request().starts_with("GET /2 "));
  CHECK(peer1.read_request().starts_with("GET /1 "));
  peer2.send(kHello);
  world.finish(second);
  CHECK(!first.done);
  peer1.send(kHello);
  world.finish(first);
  CHECK_EQ(world.client->pooled_count(), size_t{2});
}

TEST_CASE(a_body_may_arrive_in_pieces_of_any_size) {
  for (const std::string_view answer : {kHello, kChunked, kUntilClose}) {
    for (const size_t piece_bytes : {1, 2, 3, 7}) {
      World world;
      PeerListener server(world);
      Exchange& x = world.start(get_options(server.url()));
      PeerConnection peer = server.accept();
      peer.read_request();
      peer.send(answer, piece_bytes);
      if (answer == kUntilClose) peer.close();
      world.finish(x);
      CHECK(!x.error);
      CHECK_EQ(x.body, "hello");
    }
  }
}

TEST_CASE(a_body_cut_at_any_byte_is_an_error_and_what_came_is_handed_out) {
  for (const std::string_view answer : {kHello, kChunked}) {
    for (size_t bytes = 0; bytes < answer.size(); ++bytes) {
      World world;
      PeerListener server(world);
      Exchange& x = world.start(get_options(server.url()));
      PeerConnection peer = server.accept();
      peer.read_request();
      peer.send(answer.substr(0, bytes));
      peer.close();
      world.finish(x);
      CHECK_EQ(code_of(x), Code::closed);
      CHECK_EQ(detail_of(x), bytes == 0 ? "closed before an answer" : "the answer was cut");
      CHECK_EQ(x.body, std::string_view("hello").substr(0, x.body.size()));
      CHECK(!server.has_client());  // never sent a second time on a fresh connection
    }
  }
}

TEST_CASE(a_reset_cuts_a_body_that_goes_on_until_the_end_of_the_connection) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(kUntilClose);
  world.until([&] { return x.body == "hello"; });
  peer.reset();
  world.finish(x);
  CHECK_EQ(code_of(x), Code::closed);
  CHECK_EQ(x.error->number, UV_ECONNRESET);
}

TEST_CASE(what_one_socket_read_brings_is_one_piece) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i) answer += "2\r\nab\r\n";
  peer.send(answer + "0\r\n\r\n");
  world.finish(x);
  CHECK_EQ(x.body.size(), size_t{2000});
  CHECK_EQ(x.pieces, size_t{1});
}

TEST_CASE(a_stale_pooled_connection_is_replaced_once) {
  for (const bool by_reset : {false, true}) {
    World world;
    PeerListener server(world);
    Exchange& first = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(kHello);
    world.finish(first);
    // The server hangs up and the client has had no turn to see it.
    by_reset ? peer.reset() : peer.close();
    HttpCallOptions options = get_options(server.url());
    options.method = "POST";
    options.body = "again";
    Exchange& second = world.start(options);
    PeerConnection fresh = server.accept();
    CHECK(fresh.read_request().ends_with("again"));
    fresh.send(kHello);
    world.finish(second);
    CHECK(!second.error);
  }
}

TEST_CASE(a_call_that_may_be_sent_once_takes_a_fresh_connection_and_is_not_sent_again) {
  World world;
  PeerListener server(world);
  Exchange& first = world.start(get_options(server.url()));
  PeerConnection pooled = server.accept();
  pooled.read_request();
  pooled.send(kHello);
  world.finish(first);
  CHECK_EQ(world.client->pooled_count(), 1u);
  HttpCallOptions options = get_options(server.url());
  options.method = "POST";
  options.once = true;
  Exchange& second = world.start(options);
  PeerConnection fresh = server.accept();
  fresh.read_request();
  fresh.close();
  world.finish(second);
  CHECK(second.error && second.error->code == Code::closed);
  CHECK(!server.has_client());
}

TEST_CASE(a_server_that_takes_the_request_and_hangs_up_twice_is_not_asked_a_third_time) {
  for (const bool by_reset : {false, true}) {
    World world;
    PeerListener server(world);
    Exchange& first = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(kHello);
    world.finish(first);
    Exchange& second = world.start(get_options(server.url()));
    peer.read_request();
    by_reset ? peer.reset() : peer.close();
    PeerConnection fresh = server.accept();
    fresh.read_request();
    by_reset ? fresh.reset() : fresh.close();
    world.finish(second);
    CHECK_EQ(code_of(second), Code::closed);
    CHECK(!server.has_client());
  }
}

TEST_CASE(after_one_byte_of_an_answer_nothing_is_sent_again) {
  World world;
  PeerListener server(world);
  Exchange& first = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send(kHello);
  world.finish(first);
  Exchange& second = world.start(get_options(server.url()));
  peer.read_request();
  peer.send("H");
  peer.close();
  world.finish(second);
  CHECK_EQ(code_of(second), Code::closed);
  CHECK(!server.has_client());
}

TEST_CASE(an_idle_connection_that_the_server_ends_leaves_the_pool) {
  for (const bool by_bytes : {false, true}) {
    World world;
    PeerListener server(world);
    Exchange& x = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(kHello);
    world.finish(x);
    if (by_bytes) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad");
    } else {
      peer.close();
    }
    world.until([&] { return world.client->pooled_count() == 0; });
  }
}

TEST_CASE(connections_that_must_not_be_used_again_are_closed) {
  for (const std::string& answer :
       {std::string(kHello) + "X",
        std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"),
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")}) {
    World world;
    PeerListener server(world);
    Exchange& x = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(answer);
    world.finish(x);
    CHECK(!x.error);
    CHECK_EQ(x.body, "hello");
    CHECK_EQ(world.client->pooled_count(), size_t{0});
    world.until([&] { return peer.is_closed_by_client(); });
  }
}

TEST_CASE(an_answer_before_the_whole_request_was_taken_is_an_answer) {
  World world;
  PeerListener server(world);
  HttpCallOptions options = get_options(server.url());
  options.method = "POST";
  options.body = std::string(16 * 1024 * 1024, 'b');
  Exchange& x = world.start(options);
  PeerConnection peer = server.accept();
  peer.read_until("\r\n\r\n");
  peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  world.finish(x);
  CHECK(!x.error);
  CHECK_EQ(x.head->status(), 413);
  CHECK_EQ(x.body, "big");
  CHECK_EQ(world.client->pooled_count(), size_t{0});
}

TEST_CASE(a_large_request_body_arrives_whole) {
  World world;
  PeerListener server(world);
  HttpCallOptions options = get_options(server.url());
  options.method = "POST";
  options.body = std::string(8 * 1024 * 1024, 'b');
  Exchange& x = world.start(options);
  PeerConnection peer = server.accept();
  CHECK(peer.read_request().ends_with("\r\n\r\n" + options.body));
  peer.send(kHello);
  world.finish(x);
  CHECK(!x.error);
  CHECK_EQ(world.client->pooled_count(), size_t{1});
}

TEST_CASE(the_pool_is_bounded_in_number_and_time) {
  World world({.tls = nullptr, .proxies = {}, .pool_connections_max = 2, .pool_idle_timeout_ms = 1000});
  PeerListener server(world);
  std::vector<Exchange*> calls;
  std::vector<PeerConnection> peers;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(&world.start(get_options(server.url())));
    peers.push_back(server.accept());
  }
  for (size_t i = 0; i < 3; ++i) {
    peers[i].read_request();
    peers[i].send(kHello);
    world.finish(*calls[i]);
  }
  CHECK_EQ(world.client->pooled_count(), size_t{2});
  world.until([&] { return peers[0].is_closed_by_client(); });
  world.loop.advance_ms(999);
  CHECK_EQ(world.client->pooled_count(), size_t{2});
  world.loop.advance_ms(1);
  CHECK_EQ(world.client->pooled_count(), size_t{0});
}

TEST_CASE(a_slow_consumer_makes_the_server_wait_in_bounded_memory) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()), true);
  PeerConnection peer = server.accept();
  peer.read_request();
  const size_t total = 64 * 1024 * 1024;
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
  const std::string block(1024 * 1024, 'z');
  size_t sent = 0;
  // The kernel's two buffers fill, then nothing moves.
  for (int quiet = 0; quiet < 100;) {
    const size_t now = peer.send_some(block);
    sent += now;
    quiet = now == 0 ? quiet + 1 : 0;
    world.settle();
  }
  CHECK(sent < total / 2);
  world.loop.advance_ms(3'600'000);  // silence that is ours is not the server's
  CHECK(!x.done);
  while (sent < total) {
    sent += peer.send_some(std::string_view(block).substr(0, std::min(block.size(), total - sent)));
    x.allow_one_read();
    world.settle();
  }
  x.allow_all_reads();
  world.finish(x);
  CHECK(!x.error);
  CHECK_EQ(x.body.size(), total);
  CHECK(x.largest_piece_bytes <= HttpCall::kReadAheadBytesMax + 64 * 1024);
}

TEST_CASE(an_answer_dropped_in_the_middle_closes_its_connection) {
  World world;
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url()));
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
  world.until([&] { return x.body == "hello"; });
  x.scope.request();
  CHECK(x.done);
  world.forget(x);
  CHECK(peer.is_closed_by_client());
}

TEST_CASE(a_short_answer_can_be_drained_and_a_long_one_is_given_up) {
  for (const size_t body_bytes : {1'000, 100'000}) {
    World world;
    PeerListener server(world);
    CancelScope scope;
    Gate gate;
    std::optional<Result<bool>> drained;
    {
      HttpCall call(*world.client, get_options(server.url()), scope);
      struct Run {
        static Task<void> drain(HttpCall* asked, std::optional<Result<bool>>* out) {
          if (auto head = co_await asked->head(); head) *out = co_await asked->drain(10'000);
        }
      };
      spawn(gate, Run::drain(&call, &drained));
      PeerConnection peer = server.accept();
      peer.read_request();
      peer.send("HTTP/1.1 500 Oops\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n");
      peer.send(std::string(body_bytes - 1, 'e'));
      world.settle();
      peer.send("e");
      world.until([&] { return gate.count() == 0; });
    }
    CHECK_EQ(CHECK_OK(*drained), body_bytes == 1'000);
    CHECK_EQ(world.client->pooled_count(), size_t{body_bytes == 1'000 ? 1U : 0U});
  }
}

TEST_CASE(an_answer_to_head_has_no_body) {
  World world;
  PeerListener server(world);
  HttpCallOptions options = get_options(server.url());
  options.method = "HEAD";
  Exchange& x = world.start(options);
  PeerConnection peer = server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  world.finish(x);
  CHECK(!x.error);
  CHECK_EQ(x.body, "");
  CHECK_EQ(world.client->pooled_count(), size_t{1});
}

TEST_CASE(hostile_heads_are_refused_and_their_connection_closed) {
  const std::string endless = "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x');
  for (const std::string& answer : {std::string("HELLO\r\n\r\n"), std::string("HTTP/2.0 200 OK\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
                                    std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                                    std::string("HTTP/1.1 101 Switching\r\n\r\n"), std::string(100, '\0'), endless}) {
    World world;
    PeerListener server(world);
    Exchange& x = world.start(get_options(server.url()));
    PeerConnection peer = server.accept();
    peer.read_request();
    peer.send(answer);
    world.finish(x);
    CHECK(x.error.has_value());
    CHECK_EQ(code_of(x), answer == endless ? Code::too_large : Code::malformed);
    CHECK_EQ(world.client->pooled_count(), size_t{0});
    world.until([&] { return peer.is_closed_by_client(); });
  }
}

TEST_CASE(requests_that_cannot_be_sent_are_refused_without_a_connection) {
  World world;
  PeerListener server(world);
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"X", "a\r\nB: c"}, {"X Y", "z"}, {"Host", "h"}, {"Proxy-Authorization", "x"}, {"Content-Length", "3"}}) {
    HttpCallOptions options = get_options(server.url());
    options.headers = {{name, value}};
    Exchange& x = world.start(options);
    CHECK(x.done);
    CHECK_EQ(code_of(x), Code::invalid);
  }
  HttpCallOptions connect = get_options(server.url());
  connect.method = "CONNECT";
  CHECK_EQ(code_of(world.start(connect)), Code::invalid);
  CHECK_EQ(code_of(world.start(get_options(server.url_for("https", "localhost")))), Code::invalid);
  CHECK(!server.has_client());
}

TEST_CASE(five_hundred_calls_at_once_all_get_their_own_answer) {
  World world;
  PeerListener server(world);
  constexpr int kCalls = 500;
  std::vector<Exchange*> calls;
  std::vector<PeerConnection> peers;
  for (int round = 0; round < 2; ++round) {
    calls.clear();
    for (int i = 0; i < kCalls; ++i) calls.push_back(&world.start(get_options(server.url("/" + std::to_string(i)))));
    if (round == 0)
      for (int i = 0; i < kCalls; ++i) peers.push_back(server.accept());
    if (round == 1)  // the pool kept 64; the rest is new
      for (int i = 64; i < kCalls; ++i) peers.push_back(server.accept());
    // Whoever has a request answers with its path.
    int answered = 0;
    for (PeerConnection& peer : peers) {
      if (peer.is_closed_by_client()) continue;
      const std::string request = peer.read_request();
      const std::string path = request.substr(4, request.find(' ', 4) - 4);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
      ++answered;
    }
    CHECK_EQ(answered, kCalls);
    for (int i = 0; i < kCalls; ++i) {
      world.finish(*calls[static_cast<size_t>(i)]);
      CHECK_EQ(calls[static_cast<size_t>(i)]->body, "/" + std::to_string(i));
    }
    world.settle();
  }
}
