// Proves how bodies arrive: fixed, chunked, announced by Expect, with room behind them for the JSON parser.
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

TEST_CASE(a_fixed_body_arrives_whole_with_padding_behind) {
  std::string seen;
  size_t room = 0;
  LoopbackServer server({}, [&](net::Request&& request, net::Responder responder) {
    room = request.body.capacity() - request.body.size();
    seen = std::move(request.body);
    responder.send({.status = 204});
  });
  const ConnId conn = server.connect();
  const std::string body(300'000, 'b');
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body);
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.status, 204);
  CHECK_EQ(answer.field("Content-Length"), "");
  CHECK(seen == body);
  CHECK(room >= net::kBodyPaddingBytes);
}

TEST_CASE(a_chunked_body_arrives_whole) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn,
              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n");
  CHECK_EQ(server.answer(conn).body, "POST / wikipedia");
}

TEST_CASE(continue_is_sent_when_the_client_waits_for_it) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK_EQ(server.answer(conn).status, 100);
  CHECK_EQ(server.request_count(), 0u);
  server.send(conn, "ok");
  CHECK_EQ(server.answer(conn).body, "POST / ok");
}

TEST_CASE(continue_is_left_out_when_the_body_is_there) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
  CHECK_EQ(server.answer(conn).body, "POST / ok");
}

TEST_CASE(a_body_that_would_be_refused_is_not_asked_for) {
  LoopbackServer server({.body_bytes_max = 10});
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  CHECK_EQ(server.answer(conn).status, 413);
}

TEST_CASE(another_expectation_fails) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: miracles\r\n\r\n");
  CHECK_EQ(server.answer(conn).status, 417);
  CHECK(server.saw_end(conn));
}
