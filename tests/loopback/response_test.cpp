// Proves what goes out: HEAD, answers without body, large bodies, late answers, and names that have become nobody's.
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHead = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
}  // namespace

TEST_CASE(head_gets_the_length_and_no_body) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, std::string(kHead) + std::string(kGet));
  const Answer head = server.answer(conn, true);
  CHECK_EQ(head.field("Content-Length"), "7");
  CHECK_EQ(server.answer(conn).body, "GET / ");
}

TEST_CASE(head_of_a_stream_ends_with_its_head) {
  LoopbackServer server({}, [](net::Request&&, net::Responder responder) {
    responder.begin_stream({.content_type = "text/event-stream"});
    (void)responder.write("data: x\n\n");
    responder.end();
  });
  const ConnId conn = server.connect();
  server.send(conn, kHead);
  CHECK_EQ(server.answer(conn, true).field("Transfer-Encoding"), "chunked");
  CHECK_EQ(server.received(conn), "");
  CHECK(server.is_open(conn));
}

TEST_CASE(extra_fields_are_sent) {
  LoopbackServer server({}, [](net::Request&&, net::Responder responder) {
    responder.send({.status = 405, .headers = {{"Allow", "GET"}, {"Vary", "Origin"}}});
  });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.field("Allow"), "GET");
  CHECK_EQ(answer.field("Vary"), "Origin");
  CHECK_EQ(answer.field("Content-Length"), "0");
}

TEST_CASE(large_bodies_arrive_whole_from_memory_of_both_kinds) {
  static const std::string page(3'000'000, 's');
  LoopbackServer server({.send_buffer_bytes = 8192}, [](net::Request&& request, net::Responder responder) {
    if (request.head.target() == "/static") {
      responder.send({.static_body = page});
    } else {
      responder.send({.body = std::string(5'000'000, 'o')});
    }
  });
  const ConnId conn = server.connect();
  server.send(conn, "GET /static HTTP/1.1\r\nHost: a\r\n\r\nGET /owned HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(server.answer(conn).body == page);
  CHECK(server.answer(conn).body == std::string(5'000'000, 'o'));
  CHECK(server.is_open(conn));
}

TEST_CASE(a_large_answer_given_while_the_one_before_is_still_leaving_is_not_lost) {
  net::Responder second;
  LoopbackServer server({.send_buffer_bytes = 4096}, [&](net::Request&& request, net::Responder responder) {
    if (request.head.target() == "/second") {
      second = responder;
      return;
    }
    responder.begin_stream({});
    (void)responder.write(std::string(60'000, 'f'));
    responder.end();
  });
  const ConnId conn = server.connect(4096);
  server.pause(conn);
  server.send(conn, "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(second.is_open());
  CHECK(second.send({.body = std::string(300'000, 's')}));
  server.resume(conn);
  CHECK(server.answer(conn).body == std::string(60'000, 'f'));
  CHECK(server.answer(conn).body == std::string(300'000, 's'));
}

TEST_CASE(an_answer_may_come_many_turns_later) {
  net::Responder later;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { later = responder; });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.advance_ms(3'600'000);
  CHECK(later.is_open());
  CHECK(later.send({.body = "at last"}));
  CHECK_EQ(server.answer(conn).body, "at last");
}

TEST_CASE(answering_a_client_that_left_does_nothing) {
  net::Responder later;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { later = responder; });
  const ConnId gone = server.connect();
  server.send(gone, kGet);
  const net::Responder first = later;
  server.reset(gone);
  CHECK(!server.is_open(gone));
  CHECK(!first.is_open());
  CHECK(!first.send({.body = "nobody"}));
  CHECK(!first.begin_stream({}));
  CHECK(first.write("nobody") == net::WriteState::gone);
  CHECK(!first.end());
  first.abort();
  // The next connection has the same slot, and is somebody else.
  const ConnId other = server.connect();
  server.send(other, kGet);
  CHECK(!first.send({.body = "for the first"}));
  CHECK(later.send({.body = "for the second"}));
  CHECK_EQ(server.answer(other).body, "for the second");
}

TEST_CASE(a_responder_made_of_nothing_answers_nobody) {
  const net::Responder nobody;
  CHECK(!nobody.is_open());
  CHECK(!nobody.send({}));
  CHECK(nobody.write("x") == net::WriteState::gone);
}

TEST_CASE(an_aborted_answer_is_cut) {
  LoopbackServer server({}, [](net::Request&&, net::Responder responder) { responder.abort(); });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK(server.saw_end(conn));
  CHECK_EQ(server.received(conn), "");
  CHECK(server.close_reason(conn) == Code::cancelled);
}
