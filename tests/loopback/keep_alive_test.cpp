// Proves that connections are kept, that pipelined requests are answered in order, and that no cut of the bytes
// matters.
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: bobbin.test\r\n\r\n";
}

}  // namespace

TEST_CASE(one_connection_serves_many_requests) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  for (int i = 0; i < 50; ++i) {
    server.send(conn, get("/" + std::to_string(i)));
    const Answer answer = server.answer(conn);
    CHECK_EQ(answer.status, 200);
    CHECK_EQ(answer.body, "GET /" + std::to_string(i) + " ");
  }
  CHECK(server.is_open(conn));
  CHECK_EQ(server.received(conn), "");
}

TEST_CASE(every_answer_has_date_and_server) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, get("/"));
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.field("Server"), "bobbin");
  CHECK_EQ(answer.field("Date").size(), std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size());
  CHECK_EQ(answer.field("Content-Type"), "text/plain");
}

TEST_CASE(connection_close_is_obeyed) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  server.send(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK_EQ(server.answer(conn).field("Connection"), "close");
  CHECK(server.saw_end(conn));
  server.disconnect(conn);
  CHECK(server.close_reason(conn) == Code::closed);
}

TEST_CASE(http_1_0_closes_unless_asked_to_stay) {
  LoopbackServer server;
  const ConnId closing = server.connect();
  server.send(closing, "GET / HTTP/1.0\r\n\r\n");
  CHECK_EQ(server.answer(closing).status, 200);
  CHECK(server.saw_end(closing));
  const ConnId staying = server.connect();
  server.send(staying, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK_EQ(server.answer(staying).field("Connection"), "keep-alive");
  CHECK(!server.saw_end(staying));
}

TEST_CASE(pipelined_requests_are_answered_in_order) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  std::string requests;
  for (int i = 0; i < 2000; ++i) requests += get("/" + std::to_string(i));
  server.send(conn, requests);
  for (int i = 0; i < 2000; ++i) CHECK_EQ(server.answer(conn).body, "GET /" + std::to_string(i) + " ");
  CHECK(server.is_open(conn));
}

TEST_CASE(the_next_request_waits_for_the_answer_to_the_first) {
  std::vector<net::Responder> waiting;
  std::vector<std::string> targets;
  LoopbackServer server({}, [&](net::Request&& request, net::Responder responder) {
    targets.emplace_back(request.head.target());
    waiting.push_back(responder);
  });
  const ConnId conn = server.connect();
  server.send(conn, get("/a") + get("/b") + get("/c"));
  CHECK_EQ(targets.size(), 1u);
  server.settle();
  CHECK_EQ(targets.size(), 1u);
  for (size_t i = 0; i < 3; ++i) {
    CHECK_EQ(targets.size(), i + 1);
    CHECK(waiting[i].send({.body = targets[i]}));
    CHECK(!waiting[i].is_open());
    CHECK(!waiting[i].send({.body = "twice"}));
    CHECK_EQ(server.answer(conn).body, targets[i]);
    server.settle();
  }
  CHECK(!waiting[0].is_open());
}

TEST_CASE(input_that_waits_is_bounded) {
  std::vector<net::Responder> waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting.push_back(responder); });
  const ConnId conn = server.connect();
  std::string requests;
  while (requests.size() < 200'000) requests += get("/");
  const size_t count = requests.size() / get("/").size();
  server.send(conn, requests);
  size_t answered = 0;
  while (answered < count) {
    CHECK(server.run_until([&] { return waiting.size() > answered; }));
    CHECK(waiting[answered++].send({.status = 204}));
  }
  CHECK_EQ(waiting.size(), count);
}

TEST_CASE(input_split_at_every_byte_gives_the_same_answers) {
  const std::string requests = get("/one") +
                               "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                               "POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n" +
                               get("/four");
  LoopbackServer server;
  for (size_t cut = 1; cut < requests.size(); ++cut) {
    const ConnId conn = server.connect();
    server.send(conn, requests.substr(0, cut));
    server.send(conn, requests.substr(cut));
    CHECK_EQ(server.answer(conn).body, "GET /one ");
    CHECK_EQ(server.answer(conn).body, "POST /two hello");
    CHECK_EQ(server.answer(conn).body, "POST /three abcde");
    CHECK_EQ(server.answer(conn).body, "GET /four ");
    server.disconnect(conn);
  }
}

TEST_CASE(input_of_single_bytes_is_understood) {
  LoopbackServer server;
  const ConnId conn = server.connect();
  const std::string request = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n";
  for (const char byte : request) server.send(conn, std::string_view(&byte, 1));
  CHECK_EQ(server.answer(conn).body, "POST /x z");
}

TEST_CASE(a_client_that_ends_its_sending_side_still_gets_its_answers) {
  std::vector<net::Responder> waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting.push_back(responder); });
  const ConnId conn = server.connect();
  server.send(conn, get("/a") + get("/b"));
  server.shut_sending(conn);
  CHECK(waiting.at(0).send({.body = "first"}));
  CHECK_EQ(server.answer(conn).body, "first");
  CHECK(waiting.at(1).send({.body = "second"}));
  const Answer last = server.answer(conn);
  CHECK_EQ(last.body, "second");
  CHECK_EQ(last.field("Connection"), "close");
  CHECK(server.saw_end(conn));
  CHECK(server.close_reason(conn) == Code::closed);
}

TEST_CASE(one_empty_line_before_a_request_is_skipped_two_are_refused) {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  for (const bool byte_by_byte : {false, true}) {
    LoopbackServer server;
    const auto send = [&](ConnId conn, std::string_view bytes) {
      if (!byte_by_byte) return server.send(conn, bytes);
      for (size_t i = 0; i < bytes.size(); ++i) server.send(conn, bytes.substr(i, 1));
    };
    const ConnId conn = server.connect();
    send(conn, "\r\n" + get);
    CHECK_EQ(server.answer(conn).body, "GET / ");
    send(conn, "\r\n" + post + "\r\n" + get + "\r\n");
    CHECK_EQ(server.answer(conn).body, "POST / hi");
    CHECK_EQ(server.answer(conn).body, "GET / ");
    send(conn, get);
    CHECK_EQ(server.answer(conn).body, "GET / ");
    send(conn, "\r\n\r\n" + get);
    CHECK_EQ(server.answer(conn).status, 400);
  }
}
