// Proves that what is too large or not HTTP gets its status as problem+json, which arrives although the client is still
// sending, and that nothing of it reaches the handler.
#include "src/base/metrics.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {

void check_refused(LoopbackServer& server, std::string_view bytes, int status, std::string_view code) {
  const ConnId conn = server.connect();
  const size_t requests_before = server.request_count();
  server.send(conn, bytes);
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.status, status);
  CHECK_EQ(answer.field("Content-Type"), "application/problem+json");
  CHECK_EQ(answer.field("Connection"), "close");
  CHECK(answer.body.find("\"code\":\"" + std::string(code) + "\"") != std::string::npos);
  CHECK(answer.body.find("\"status\":" + std::to_string(status)) != std::string::npos);
  CHECK(server.saw_end(conn));
  CHECK_EQ(server.request_count(), requests_before);
  server.disconnect(conn);
  CHECK(!server.is_open(conn));
}

}  // namespace

TEST_CASE(what_is_not_http_is_refused) {
  LoopbackServer server;
  check_refused(server, "\x16\x03\x01\x02\x00\x01", 400, "malformed");
  check_refused(server, "GET /\r\n\r\n", 400, "malformed");
  check_refused(server, "GET / HTTP/1.1\r\n\r\n", 400, "malformed");
  check_refused(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "malformed");
  check_refused(server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "malformed");
  check_refused(server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "not_implemented");
}

TEST_CASE(heads_over_the_limit_are_refused) {
  LoopbackServer server({.request_line_bytes_max = 100, .header_block_bytes_max = 300});
  check_refused(server, "GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long");
  check_refused(server, "GET / HTTP/1.1\r\nHost: a\r\nCookie: " + std::string(400, 'c') + "\r\n\r\n", 431,
                "header_too_large");
}

TEST_CASE(announced_bodies_over_the_limit_are_refused_before_they_come) {
  LoopbackServer server({.body_bytes_max = 1000});
  check_refused(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413, "too_large");
  check_refused(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 413, "too_large");
}

TEST_CASE(a_body_of_exactly_the_limit_is_taken) {
  LoopbackServer server({.body_bytes_max = 1000});
  const ConnId conn = server.connect();
  const std::string body(1000, 'x');
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + body);
  CHECK_EQ(server.answer(conn).body, "POST / " + body);
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + "\r\n0\r\n\r\n");
  CHECK_EQ(server.answer(conn).body, "POST / " + body);
}

TEST_CASE(a_chunked_body_over_the_limit_is_refused) {
  LoopbackServer server({.body_bytes_max = 1000});
  check_refused(server,
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'), 413,
                "too_large");
}

TEST_CASE(the_refusal_reaches_a_client_that_goes_on_sending) {
  LoopbackServer server({.body_bytes_max = 1000});
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 700000\r\n\r\n");
  for (int i = 0; i < 7; ++i) server.send(conn, std::string(100'000, 'x'));
  CHECK_EQ(server.answer(conn).status, 413);
  CHECK(server.is_open(conn));
  server.disconnect(conn);
  CHECK(server.close_reason(conn) == Code::too_large);
}

TEST_CASE(a_client_that_never_stops_sending_is_cut_off) {
  LoopbackServer server({.body_bytes_max = 1000, .linger_bytes_max = 100'000});
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  for (int i = 0; i < 20; ++i) server.send(conn, std::string(10'000, 'x'));
  CHECK(server.close_reason(conn) == Code::too_large);
}

TEST_CASE(lingering_ends_by_time) {
  LoopbackServer server({.linger_timeout_ms = 2'000});
  const ConnId conn = server.connect();
  server.send(conn, "garbage\r\n\r\n");
  CHECK_EQ(server.answer(conn).status, 400);
  server.advance_ms(1'999);
  CHECK(server.is_open(conn));
  server.advance_ms(1);
  CHECK(server.close_reason(conn) == Code::malformed);
}

TEST_CASE(requests_before_a_bad_one_are_answered) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn,
              "GET /good HTTP/1.1\r\nHost: a\r\n\r\nGET  /bad HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\n");
  CHECK_EQ(server.answer(conn).body, "GET /good ");
  CHECK_EQ(server.answer(conn).status, 400);
  CHECK(server.saw_end(conn));
  CHECK_EQ(server.request_count(), 1u);
}

TEST_CASE(refusals_carry_the_handlers_common_fields_by_the_head_if_there_is_one) {
  static constexpr http::HeaderField kFields[] = {{"X-Content-Type-Options", "nosniff"}, {"X-Own", "common"}};
  LoopbackServer server({.body_bytes_max = 1000, .body_idle_timeout_ms = 20'000, .common_fields = kFields});
  server.set_common_headers([](const http::RequestHead* head, net::HeaderList& headers) {
    headers.emplace_back("x-own", "its own");
    if (head == nullptr) return;
    headers.emplace_back("Access-Control-Allow-Origin", std::string(head->find_header("origin").value_or("none")));
  });
  struct Case {
    std::string bytes;
    int status;
    std::string origin;
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\n";
  const Case cases[] = {
      {"GET /\r\n\r\n", 400, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\nHost: b\r\n\r\n", 400, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + std::string(20'000, 'c') + "\r\n\r\n", 431, ""},
      {post + "Content-Length: 1001\r\n\r\n", 413, "https://b"},
      {post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'), 413, "https://b"},
      {post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "https://b"},
      {post + "Content-Length: 1\r\nExpect: much\r\n\r\n", 417, "https://b"},
      {post + "Content-Length: 1\r\n\r\n", 408, "https://b"},
      // The head of the request before is not that of the next.
      {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://c\r\n\r\nGET /\r\n\r\n", 400, ""},
  };
  for (const Case& one : cases) {
    const ConnId conn = server.connect();
    server.send(conn, one.bytes);
    if (one.status == 408) server.advance_ms(20'000);
    Answer answer = server.answer(conn);
    if (answer.status == 200) answer = server.answer(conn);
    CHECK_EQ(answer.status, one.status);
    CHECK_EQ(answer.field("X-Content-Type-Options"), "nosniff");
    CHECK_EQ(answer.field("X-Own"), "");
    CHECK_EQ(answer.field("x-own"), "its own");
    CHECK_EQ(answer.field("Access-Control-Allow-Origin"), one.origin);
    server.disconnect(conn);
  }
}

TEST_CASE(connections_over_the_limit_are_closed_at_once) {
  LoopbackServer server({.connections_max = 2});
  const uint64_t refused_before = metrics::read(metrics::Counter::connections_refused);
  const ConnId first = server.connect();
  const ConnId second = server.connect();
  const ConnId third = server.connect();
  CHECK(server.saw_end(third));
  CHECK(!server.saw_end(first));
  CHECK(!server.saw_end(second));
  CHECK_EQ(metrics::read(metrics::Counter::connections_refused), refused_before + 1);
  server.disconnect(first);
  const ConnId fourth = server.connect();
  server.send(fourth, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_EQ(server.answer(fourth).status, 200);
}

TEST_CASE(a_thousand_connections_leave_no_slot_and_no_byte) {
  LoopbackServer server;
  std::vector<ConnId> conns;
  for (int round = 0; round < 10; ++round) {
    conns.clear();
    for (int i = 0; i < 100; ++i) conns.push_back(server.connect());
    CHECK_EQ(server.server().connection_count(), 100u);
    for (const ConnId conn : conns) server.send(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /half HTTP/1.1\r\nHo");
    for (size_t i = 0; i < conns.size(); ++i) {
      CHECK_EQ(server.answer(conns[i]).body, "GET / ");
      if (i % 2 == 0) {
        server.disconnect(conns[i]);
      } else {
        server.reset(conns[i]);
      }
    }
    CHECK(server.run_until([&] { return server.server().connection_count() == 0; }));
  }
  CHECK_EQ(metrics::read(metrics::Gauge::connections_open), 0);
}

TEST_CASE(unfinished_bodies_have_a_budget_together_and_small_ones_always_pass) {
  LoopbackServer server({.incoming_bytes_max = 200'000, .incoming_bytes_always_allowed = 1'000});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90001\r\n\r\n";
  const ConnId first = server.connect();
  server.send(first, head + std::string(90'000, 'a'));
  const ConnId second = server.connect();
  server.send(second, head + std::string(90'000, 'b'));
  CHECK_EQ(server.answer(second).status, 503);
  const ConnId small = server.connect();
  server.send(small, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1'000, 'c'));
  CHECK_EQ(server.answer(small).status, 200);
  // What is whole, or gone, counts no more.
  server.send(first, "a");
  CHECK_EQ(server.answer(first).status, 200);
  const ConnId third = server.connect();
  server.send(third, head + std::string(90'001, 'd'));
  CHECK_EQ(server.answer(third).status, 200);
}
