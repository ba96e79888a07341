// Proves: what the case files cannot say about answers: reuse of the parser, the idle state, and that random
// near-answers give the same events in any pieces.

#include "proto_http/response_parser.h"

#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;

namespace {

Event next_of(ResponseParser& parser, std::string_view bytes) { return parser.next(bytes); }

std::string events(const std::vector<std::string_view>& pieces) {
  ResponseParser parser(RequestKind::normal);
  std::string out;
  std::string body;
  for (std::string_view piece : pieces) {
    while (true) {
      const Event event = parser.next(piece);
      if (event == Event::head) out += std::string(parser.head().headers().bytes());
      if (event == Event::body) body += parser.body_piece();
      if (event == Event::error) return out + body + parser.error().detail;
      if (event == Event::need_more || event == Event::complete) break;
    }
  }
  const Event end = parser.finish();
  return out + body + (end == Event::complete ? "|complete" : parser.error().detail);
}

}  // namespace

TEST_CASE(a_reset_parser_reads_the_next_answer) {
  ResponseParser parser(RequestKind::normal);
  CHECK(parser.at_boundary());
  CHECK_EQ(next_of(parser, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), Event::head);
  CHECK(!parser.at_boundary());
  std::string_view input = "xy";
  CHECK_EQ(parser.next(input), Event::body);
  CHECK_EQ(parser.next(input), Event::complete);
  CHECK_EQ(parser.next(input), Event::complete);
  CHECK_EQ(input, "y");
  CHECK_EQ(parser.finish(), Event::complete);

  parser.reset(RequestKind::head);
  CHECK(parser.at_boundary());
  CHECK_EQ(next_of(parser, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"), Event::head);
  CHECK_EQ(parser.head().status(), 404);
  CHECK_EQ(next_of(parser, ""), Event::complete);
}

TEST_CASE(an_interim_answer_is_the_begin_of_an_answer) {
  ResponseParser parser(RequestKind::normal);
  CHECK_EQ(next_of(parser, "HTTP/1.1 100 Continue\r\n\r\n"), Event::need_more);
  CHECK(!parser.at_boundary());
  CHECK_EQ(parser.finish(), Event::error);
  CHECK_EQ(parser.error().code, bobbin::Code::closed);
}

TEST_CASE(an_error_is_final_until_reset) {
  ResponseParser parser(RequestKind::normal);
  CHECK_EQ(next_of(parser, "SSH-2.0-x\r\n"), Event::error);
  CHECK_EQ(next_of(parser, "HTTP/1.1 200 OK\r\n\r\n"), Event::error);
  CHECK_EQ(parser.finish(), Event::error);
  CHECK_EQ(parser.error().code, bobbin::Code::malformed);
  CHECK_EQ(parser.error().status, 0);
}

TEST_CASE(cuts_do_not_change_the_events_of_near_answers) {
  std::mt19937_64 random = bobbin::test::seeded_random("cuts_do_not_change_the_events_of_near_answers");
  constexpr std::string_view kParts[] = {"HTTP/1.1 200 OK\r\n",
                                         "HTTP/1.1 100 Continue\r\n\r\n",
                                         "HTTP/1.0 200\r\n",
                                         "HTTP/1.1 204 x\r\n",
                                         "Content-Length: 3\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         "\r\n",
                                         "\r\n",
                                         "abc",
                                         "3\r\nabc\r\n",
                                         "0\r\n\r\n",
                                         "X: y\r\n",
                                         " ",
                                         "\r",
                                         "\n"};
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = bobbin::test::random_text(random, kParts, 1 + bobbin::test::random_below(random, 8));
    CHECK_EQ(events(bobbin::test::random_pieces(random, bytes)), events({bytes}));
  }
}
