// Proves: what the case files cannot say: who owns the bytes, when a connection is idle, that an error is final; that
// random near-requests give the same events in any pieces; that no accepted head hides a second framing.

#include "proto_http/request_parser.h"

#include <map>

#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;

namespace {

Event next_of(RequestParser& parser, std::string_view bytes) { return parser.next(bytes); }

std::string events(const std::vector<std::string_view>& pieces) {
  RequestParser parser;
  std::string out;
  std::string body;
  for (std::string_view piece : pieces) {
    while (true) {
      const Event event = parser.next(piece);
      if (event == Event::need_more) break;
      if (event == Event::body) {
        body += parser.body_piece();
        continue;
      }
      out += "[" + std::exchange(body, {}) + "]";
      if (event == Event::head) out += std::string(parser.head().headers().bytes());
      if (event == Event::complete) out += "complete";
      if (event == Event::error) return out + parser.error().detail;
    }
  }
  return out + "[" + body + "]" + (parser.at_boundary() ? "idle" : "waiting");
}

}  // namespace

TEST_CASE(a_taken_head_outlives_parser_and_input) {
  RequestHead head;
  {
    std::string input = "GET /p?q HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    RequestParser parser;
    CHECK_EQ(next_of(parser, input), Event::head);
    RequestHead taken = parser.take_head();
    CHECK_EQ(next_of(parser, ""), Event::complete);
    input.assign(input.size(), '#');
    head = std::move(taken);
  }
  CHECK_EQ(head.method(), Method::get);
  CHECK_EQ(head.target(), "/p?q");
  CHECK_EQ(head.path(), "/p");
  CHECK_EQ(head.query(), "q");
  CHECK_EQ(head.host(), "a");
  CHECK_EQ(*head.find_header("x"), "y");
  CHECK_EQ(head.header_count("X"), 1u);
  CHECK(!head.find_header("absent"));
}

TEST_CASE(body_pieces_are_views_into_the_input) {
  RequestParser parser;
  CHECK_EQ(next_of(parser, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"), Event::head);
  const std::string body = "abcGET";
  std::string_view input = body;
  CHECK_EQ(parser.next(input), Event::body);
  CHECK(parser.body_piece().data() == body.data());
  CHECK_EQ(parser.body_piece(), "abc");
  CHECK_EQ(parser.next(input), Event::complete);
  CHECK_EQ(input, "GET");
}

TEST_CASE(a_connection_is_idle_only_between_requests) {
  RequestParser parser;
  CHECK(parser.at_boundary());
  CHECK_EQ(next_of(parser, "\r"), Event::need_more);
  CHECK(!parser.at_boundary());
  CHECK_EQ(next_of(parser, "\n"), Event::need_more);
  CHECK(parser.at_boundary());
  CHECK_EQ(next_of(parser, "P"), Event::need_more);
  CHECK(!parser.at_boundary());
  CHECK_EQ(next_of(parser, "OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"), Event::head);
  CHECK(!parser.at_boundary());
  CHECK_EQ(next_of(parser, "x"), Event::body);
  CHECK(!parser.at_boundary());
  CHECK_EQ(next_of(parser, ""), Event::complete);
  CHECK(parser.at_boundary());
}

TEST_CASE(an_error_is_final) {
  RequestParser parser;
  CHECK_EQ(next_of(parser, "\x16\x03"), Event::error);
  CHECK_EQ(parser.error().status, 400);
  const char* const detail = parser.error().detail;
  CHECK_EQ(next_of(parser, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Event::error);
  CHECK(parser.error().detail == detail);
  CHECK(!parser.at_boundary());
}

TEST_CASE(methods_have_names) {
  CHECK_EQ(std::string(method_name(Method::delete_)), "DELETE");
  CHECK_EQ(std::string(method_name(Method::options)), "OPTIONS");
  CHECK_EQ(std::string(method_name(Method::other)), "other");
}

TEST_CASE(limits_are_those_given) {
  RequestParser parser({.request_line_bytes_max = 20, .header_block_bytes_max = 30, .headers_max = 1});
  CHECK_EQ(next_of(parser, "GET /23456 HTTP/1.1\r\n"), Event::error);
  CHECK_EQ(parser.error().status, 414);
  RequestParser other({.request_line_bytes_max = 20, .header_block_bytes_max = 30, .headers_max = 1});
  CHECK_EQ(next_of(other, "GET /2345 HTTP/1.1\r\nHost: a"), Event::need_more);
  CHECK_EQ(next_of(other, "bcde"), Event::error);
  CHECK_EQ(other.error().status, 431);
}

TEST_CASE(cuts_do_not_change_the_events_of_near_requests) {
  std::mt19937_64 random = bobbin::test::seeded_random("cuts_do_not_change_the_events_of_near_requests");
  constexpr std::string_view kParts[] = {"GET / HTTP/1.1\r\nHost: a\r\n",
                                         "POST /x HTTP/1.1\r\nHost: a\r\n",
                                         "GET / HTTP/1.0\r\n",
                                         "Content-Length: 3\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         "\r\n",
                                         "\r\n",
                                         "\r\n",
                                         "abc",
                                         "3\r\nabc\r\n",
                                         "0\r\n\r\n",
                                         "X: y\r\n",
                                         " ",
                                         "\t",
                                         "\r",
                                         "\n",
                                         "Connection: close\r\n",
                                         "Expect: 100-continue\r\n"};
  std::map<bool, int> accepted;
  for (int round = 0; round < 20'000; ++round) {
    const std::string bytes = bobbin::test::random_text(random, kParts, 1 + bobbin::test::random_below(random, 10));
    const std::string whole = events({bytes});
    CHECK_EQ(events(bobbin::test::random_pieces(random, bytes)), whole);
    ++accepted[whole.find("complete") != std::string::npos];
  }
  CHECK(accepted[true] > 100);  // else the test would prove nothing about what is accepted
}

// One change of one byte at a time in a good request: whatever is still accepted must say the same about its body.
TEST_CASE(no_single_byte_changes_the_framing_and_is_accepted) {
  const std::string good =
      "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: yz\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const size_t field_at = good.find("Transfer-Encoding");
  const size_t field_end = good.find("\r\nX:");
  for (size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = good;
      changed[at] = static_cast<char>(byte);
      RequestParser parser;
      std::string_view input = changed;
      if (parser.next(input) != Event::head) continue;
      // Outside its own line nothing takes the field's meaning away; inside, a changed name makes another field.
      const bool is_in_name = at >= field_at && at < good.find(':', field_at);
      if (parser.head().framing() != Framing::chunked) CHECK(is_in_name);
      // A changed value is never taken for chunked, but for letters' case and white space at its ends.
      const bool is_in_value = at > good.find(':', field_at) && at < field_end;
      if (is_in_value && changed[at] != good[at]) {
        CHECK(equals_ignoring_case(*parser.head().find_header("transfer-encoding"), "chunked"));
      }
    }
  }
}

TEST_CASE(no_byte_inserted_anywhere_makes_a_second_request) {
  const std::string good = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: yz\r\n\r\nabc";
  for (size_t at = 0; at <= good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = good;
      changed.insert(at, 1, static_cast<char>(byte));
      RequestParser parser;
      std::string_view input = changed;
      int heads = 0;
      while (true) {
        const Event event = parser.next(input);
        if (event == Event::need_more || event == Event::error) break;
        if (event == Event::head) ++heads;
      }
      CHECK(heads <= 1);
    }
  }
}
