// Proves the budget of bytes that wait over all connections: what is refused past it, what always passes, and that all
// of it is given back (the server asserts so, too, when it is destroyed).
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr size_t kLarge = 600'000;
const net::HttpServer::Options kTight{.write_stall_timeout_ms = 60'000,
                                      .egress_soft_bytes = 200'000,
                                      .egress_hard_bytes = 400'000,
                                      .unsent_bytes_max = 1'000'000,
                                      .unsent_bytes_always_allowed = 64 * 1024,
                                      .send_buffer_bytes = 8192};

// Asks for a body of so many bytes.
std::string get_bytes(size_t bytes) { return "GET /" + std::to_string(bytes) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

void answer_bytes(net::Request&& request, net::Responder responder) {
  const size_t bytes = std::stoul(std::string(request.head.path().substr(1)));
  responder.send({.content_type = "text/plain",
                  .headers = {{"ETag", "\"1\""},
                              {"Cache-Control", "max-age=60"},
                              {"Content-Language", "en"},
                              {"Access-Control-Allow-Origin", "*"}},
                  .body = std::string(bytes, 'x')});
}

ConnId connect_paused(LoopbackServer& server, std::string_view request) {
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  server.send(conn, request);
  return conn;
}

int status_of(LoopbackServer& server, std::string_view request) {
  const ConnId conn = server.connect();
  server.send(conn, request);
  const int status = server.answer(conn).status;
  server.disconnect(conn);
  return status;
}

}  // namespace

TEST_CASE(an_answer_past_the_budget_is_503_until_the_slow_reader_has_read) {
  LoopbackServer server(kTight, answer_bytes);
  const ConnId slow = connect_paused(server, get_bytes(kLarge));
  CHECK(server.server().unsent_bytes() >= kLarge);
  const ConnId conn = server.connect();
  server.send(conn, get_bytes(kLarge));
  const Answer refused = server.answer(conn);
  CHECK_EQ(refused.status, 503);
  CHECK_EQ(refused.field("Retry-After"), "1");
  CHECK_EQ(refused.field("Content-Type"), "application/problem+json");
  CHECK(refused.body.find("\"code\":\"overloaded\"") != std::string::npos);
  // Fields of the answer that was refused: only those that are not about its body.
  CHECK_EQ(refused.field("Access-Control-Allow-Origin"), "*");
  CHECK_EQ(refused.field("Cache-Control"), "no-store");
  CHECK_EQ(refused.field("ETag"), "");
  CHECK_EQ(refused.field("Content-Language"), "");

  server.resume(slow);
  CHECK_EQ(server.answer(slow).body.size(), kLarge);
  server.settle();
  CHECK_EQ(server.server().unsent_bytes(), 0u);
  server.send(conn, get_bytes(kLarge));  // the refused connection is kept
  CHECK_EQ(server.answer(conn).body.size(), kLarge);
}

TEST_CASE(a_slow_reader_that_leaves_gives_its_part_back) {
  LoopbackServer server(kTight, answer_bytes);
  for (const int way : {0, 1, 2}) {
    const ConnId slow = connect_paused(server, get_bytes(kLarge));
    CHECK_EQ(status_of(server, get_bytes(kLarge)), 503);
    if (way == 0) server.disconnect(slow);
    if (way == 1) server.reset(slow);
    if (way == 2) {
      server.advance_ms(60'000);
      server.advance_ms(60'000);
      CHECK(server.close_reason(slow) == Code::timeout);
    }
    CHECK(server.run_until([&] { return server.server().unsent_bytes() == 0; }));
    CHECK_EQ(status_of(server, get_bytes(kLarge)), 200);
  }
}

TEST_CASE(small_answers_and_those_without_their_own_memory_always_pass) {
  static const std::string asset(kLarge, 'a');
  LoopbackServer server(kTight, [](net::Request&& request, net::Responder responder) {
    if (request.head.path() == "/asset") return void(responder.send({.static_body = asset}));
    answer_bytes(std::move(request), responder);
  });
  connect_paused(server, get_bytes(kLarge));
  connect_paused(server, get_bytes(1'000'000 - kLarge - 1'000));
  CHECK_EQ(status_of(server, get_bytes(64 * 1024)), 200);
  CHECK_EQ(status_of(server, get_bytes(64 * 1024 + 1)), 503);
  CHECK_EQ(status_of(server, "GET /asset HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
  const ConnId conn = server.connect();
  server.send(conn, "HEAD /5000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  const Answer head = server.answer(conn, true);
  CHECK_EQ(head.status, 200);
  CHECK_EQ(head.field("Content-Length"), "5000000");
}

TEST_CASE(forty_readers_that_read_nothing_hold_no_more_than_the_budget) {
  LoopbackServer server(kTight, answer_bytes);
  for (int i = 0; i < 40; ++i) connect_paused(server, get_bytes(kLarge));
  CHECK(server.server().unsent_bytes() <= 1'000'000);
}

TEST_CASE(with_the_budget_full_a_stream_that_is_read_goes_on_and_one_that_is_not_is_dropped) {
  net::Responder stream;
  LoopbackServer server(kTight, [&](net::Request&& request, net::Responder responder) {
    if (request.head.path() != "/") return answer_bytes(std::move(request), responder);
    stream = responder;
    responder.begin_stream({});
  });
  const ConnId reader = server.connect(8192);
  server.send(reader, kGet);
  const net::Responder read = stream;
  const ConnId idler = connect_paused(server, kGet);
  const net::Responder unread = stream;
  connect_paused(server, get_bytes(kLarge));
  connect_paused(server, get_bytes(1'000'000 - kLarge - 2'000));

  const std::string piece(10'000, 'p');
  size_t taken = 0;
  for (; unread.write(piece) != net::WriteState::gone; ++taken) {
    CHECK(taken < 1'000);
    CHECK(read.write(piece) == net::WriteState::ok);
    server.settle();
  }
  // Far from the hard mark: 64 KiB of its own, and what the kernel took.
  CHECK(taken >= 6);
  CHECK(server.close_reason(idler) == Code::overloaded);
  CHECK(read.end());
  CHECK_EQ(server.answer(reader).body.size(), taken * piece.size());
}

TEST_CASE(streams_count_into_the_budget) {
  net::Responder stream;
  LoopbackServer server(kTight, [&](net::Request&& request, net::Responder responder) {
    if (request.head.path() != "/") return answer_bytes(std::move(request), responder);
    stream = responder;
    responder.begin_stream({});
  });
  std::vector<ConnId> conns;
  for (int i = 0; i < 4; ++i) {
    conns.push_back(connect_paused(server, kGet));
    while (stream.write(std::string(10'000, 's')) == net::WriteState::ok) server.settle();
  }
  CHECK(server.server().unsent_bytes() > 800'000);
  CHECK_EQ(status_of(server, get_bytes(200'000)), 503);
  for (const ConnId conn : conns) server.disconnect(conn);
  CHECK(server.run_until([&] { return server.server().unsent_bytes() == 0; }));
  CHECK_EQ(status_of(server, get_bytes(200'000)), 200);
}
