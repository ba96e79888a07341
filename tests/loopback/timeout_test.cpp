// Proves each deadline: at its time, and not before.
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST_CASE(idle_connection_closes_at_its_timeout_and_not_before) {
  LoopbackServer server({.idle_timeout_ms = 30'000});
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK_EQ(server.answer(conn).status, 200);
  server.advance_ms(29'999);
  CHECK(server.is_open(conn));
  server.advance_ms(1);
  CHECK(server.close_reason(conn) == Code::timeout);
  CHECK_EQ(server.received(conn), "");
}

TEST_CASE(each_request_starts_the_idle_time_anew) {
  LoopbackServer server({.idle_timeout_ms = 30'000});
  const ConnId conn = server.connect();
  for (int i = 0; i < 5; ++i) {
    server.send(conn, kGet);
    CHECK_EQ(server.answer(conn).status, 200);
    server.advance_ms(29'999);
    CHECK(server.is_open(conn));
  }
  server.advance_ms(1);
  CHECK(!server.is_open(conn));
}

TEST_CASE(a_connection_without_a_byte_closes_silently_at_the_header_timeout) {
  LoopbackServer server({.header_timeout_ms = 10'000});
  const ConnId conn = server.connect();
  server.advance_ms(9'999);
  CHECK(server.is_open(conn));
  server.advance_ms(1);
  CHECK(server.close_reason(conn) == Code::timeout);
  CHECK_EQ(server.received(conn), "");
}

TEST_CASE(a_head_that_dribbles_in_gets_408_at_its_time) {
  LoopbackServer server({.header_timeout_ms = 10'000});
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK_EQ(server.answer(conn).status, 200);
  server.advance_ms(5'000);
  for (int i = 0; i < 10; ++i) {
    server.send(conn, kGet.substr(i, 1));
    server.advance_ms(i < 9 ? 1'000 : 999);
    CHECK_EQ(server.received(conn), "");
  }
  server.advance_ms(1);
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.status, 408);
  CHECK_EQ(answer.field("Connection"), "close");
  server.disconnect(conn);
  CHECK(server.close_reason(conn) == Code::request_timeout);
}

TEST_CASE(a_body_may_be_slow_but_must_go_on) {
  LoopbackServer server({.body_idle_timeout_ms = 20'000, .body_bytes_per_second_min = 1'000});
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    server.advance_ms(19'999);
    server.send(conn, std::string(40'000, 'x'));
    CHECK_EQ(server.received(conn), "");
  }
  server.advance_ms(19'999);
  CHECK_EQ(server.received(conn), "");
  server.advance_ms(1);
  CHECK_EQ(server.answer(conn).status, 408);
}

TEST_CASE(a_body_of_single_bytes_gets_408_after_the_first_idle_time) {
  for (const bool chunked : {false, true}) {
    LoopbackServer server({.body_idle_timeout_ms = 20'000, .body_bytes_per_second_min = 1'000});
    const ConnId conn = server.connect();
    server.send(conn, chunked ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    for (int second = 1; second < 20; ++second) {
      server.advance_ms(1'000);
      server.send(conn, chunked ? "1\r\nx\r\n" : "x");
    }
    server.advance_ms(999);
    CHECK_EQ(server.received(conn), "");
    server.advance_ms(1);
    CHECK_EQ(server.answer(conn).status, 408);
    server.disconnect(conn);
    CHECK(server.close_reason(conn) == Code::request_timeout);
  }
}

TEST_CASE(a_body_that_came_fast_at_first_may_rest_for_as_long_as_its_average_holds) {
  LoopbackServer server({.body_idle_timeout_ms = 20'000, .body_bytes_per_second_min = 1'000});
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(30'000, 'x'));
  for (int i = 0; i < 2; ++i) {
    server.advance_ms(10'000);
    server.send(conn, "x");
  }
  server.advance_ms(10'001);
  CHECK_EQ(server.received(conn), "");
  server.advance_ms(1);  // 30 002 bytes, 30 002 ms
  CHECK_EQ(server.answer(conn).status, 408);
}

TEST_CASE(a_body_that_waits_for_our_own_answers_to_leave_is_not_slow) {
  LoopbackServer server({.body_idle_timeout_ms = 20'000, .send_buffer_bytes = 8192},
                        [](net::Request&& request, net::Responder responder) {
                          responder.send({.body = std::string(request.body.empty() ? 10'000 : 1, 'x')});
                        });
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += kGet;
  server.send(conn, requests + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
  server.advance_ms(50'000);
  server.resume(conn);
  for (int i = 0; i < 20; ++i) CHECK_EQ(server.answer(conn).body.size(), 10'000u);
  server.advance_ms(19'999);
  server.send(conn, "2");
  CHECK_EQ(server.answer(conn).status, 200);
}

TEST_CASE(a_handler_may_take_its_time) {
  net::Responder waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.advance_ms(10'000'000);
  CHECK(server.is_open(conn));
  CHECK(waiting.send({.body = "slept well"}));
  CHECK_EQ(server.answer(conn).body, "slept well");
}

TEST_CASE(a_reader_that_takes_nothing_is_closed_at_the_write_stall_timeout) {
  LoopbackServer server(
      {.write_stall_timeout_ms = 60'000, .send_buffer_bytes = 8192},
      [](net::Request&&, net::Responder responder) { responder.send({.body = std::string(20'000'000, 'x')}); });
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  server.send(conn, kGet);
  server.advance_ms(59'999);
  CHECK(server.is_open(conn));
  // What the kernel took in the first moments counts as progress, seen at the first look.
  server.advance_ms(1);
  server.advance_ms(60'000);
  CHECK(server.close_reason(conn) == Code::timeout);
}

TEST_CASE(a_slow_reader_is_not_stalled) {
  LoopbackServer server(
      {.write_stall_timeout_ms = 60'000, .send_buffer_bytes = 8192},
      [](net::Request&&, net::Responder responder) { responder.send({.body = std::string(2'000'000, 'x')}); });
  const ConnId conn = server.connect(8192);
  server.send(conn, kGet);
  for (int i = 0; i < 20; ++i) {
    server.pause(conn);
    server.advance_ms(59'999);
    server.resume(conn);
    server.settle();
  }
  CHECK(server.is_open(conn));
  CHECK_EQ(server.answer(conn).body.size(), 2'000'000u);
}

TEST_CASE(in_a_crowd_idle_connections_have_less_time) {
  LoopbackServer server({.header_timeout_ms = 60'000,
                         .idle_timeout_ms = 75'000,
                         .crowded_connections = 2,
                         .crowded_idle_timeout_ms = 15'000});
  const auto idle = [&] {
    const ConnId conn = server.connect();
    server.send(conn, kGet);
    CHECK_EQ(server.answer(conn).status, 200);
    return conn;
  };
  const ConnId first = idle();
  const ConnId second = idle();
  server.advance_ms(20'000);
  CHECK(server.is_open(first) && server.is_open(second));
  const ConnId third = idle();  // the crowd; those that came before it have the shorter time from here on
  server.advance_ms(14'999);
  CHECK(server.is_open(first) && server.is_open(third));
  server.advance_ms(1);
  CHECK(server.close_reason(first) == Code::timeout);
  CHECK(server.close_reason(second) == Code::timeout);
  CHECK(server.close_reason(third) == Code::timeout);
  const ConnId alone = idle();
  server.advance_ms(74'999);
  CHECK(server.is_open(alone));
}

TEST_CASE(in_a_crowd_a_reader_that_takes_nothing_has_less_time) {
  LoopbackServer server(
      {.header_timeout_ms = 100'000,
       .write_stall_timeout_ms = 60'000,
       .crowded_connections = 1,
       .crowded_write_stall_timeout_ms = 12'000,
       .send_buffer_bytes = 8192},
      [](net::Request&&, net::Responder responder) { responder.send({.body = std::string(20'000'000, 'x')}); });
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  server.send(conn, kGet);
  server.advance_ms(10'000);
  server.connect();
  server.advance_ms(11'999);
  CHECK(server.is_open(conn));
  server.advance_ms(1);
  server.advance_ms(12'000);  // what was taken at first may be seen at the first look
  CHECK(server.close_reason(conn) == Code::timeout);
}
