// Proves the orderly end: nobody who was let in is lost, nobody new is let in, and the server knows when all is over.
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST_CASE(idle_connections_close_at_once) {
  LoopbackServer server;
  const ConnId fresh = server.connect();
  const ConnId used = server.connect();
  server.send(used, kGet);
  CHECK_EQ(server.answer(used).status, 200);
  server.server().begin_drain();
  CHECK(server.close_reason(fresh) == Code::draining);
  CHECK(server.close_reason(used) == Code::draining);
  CHECK(server.run_until([&] { return server.server().closed().is_done(); }));
}

TEST_CASE(busy_connections_finish_their_answer_first) {
  net::Responder waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.server().begin_drain();
  server.server().begin_drain();
  server.settle();
  CHECK(!server.server().closed().is_done());
  CHECK(waiting.send({.body = "the last"}));
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.body, "the last");
  CHECK_EQ(answer.field("Connection"), "close");
  CHECK(server.saw_end(conn));
  server.disconnect(conn);
  CHECK(server.run_until([&] { return server.server().closed().is_done(); }));
}

TEST_CASE(a_stream_goes_on_to_its_end_in_a_drain) {
  net::Responder stream;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) {
    stream = responder;
    responder.begin_stream({});
  });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.server().begin_drain();
  server.settle();
  CHECK(stream.write("still here") == net::WriteState::ok);
  CHECK(stream.end());
  CHECK_EQ(server.answer(conn).body, "still here");
  CHECK(server.saw_end(conn));
}

TEST_CASE(requests_that_have_already_arrived_are_answered) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK_EQ(server.answer(conn).status, 200);
  server.send_unseen(conn, kGet);
  const ConnId unseen = server.connect_unseen();
  server.send_unseen(unseen, kGet);
  server.server().begin_drain();
  CHECK_EQ(server.answer(conn).field("Connection"), "close");
  CHECK_EQ(server.answer(unseen).status, 200);
}

TEST_CASE(nobody_new_is_let_in) {
  LoopbackServer server;
  server.server().begin_drain();
  server.settle();
  CHECK(!server.can_connect());
  CHECK(server.server().closed().is_done());
}

TEST_CASE(close_all_cuts_what_is_unfinished) {
  net::Responder waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.server().begin_drain();
  server.server().close_all();
  CHECK(!waiting.send({.body = "too late"}));
  CHECK(server.run_until([&] { return server.server().closed().is_done(); }));
  CHECK(server.close_reason(conn) == Code::draining);
}
