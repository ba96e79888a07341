// Proves: requests are written as expected, our own strict parser accepts them, and nothing from outside can add a
// line.

#include "proto_http/request_writer.h"

#include "proto_http/request_parser.h"
#include "tests/support/test.h"

using namespace bobbin::http;
using bobbin::Code;

TEST_CASE(a_written_request_passes_our_own_parser) {
  const HeaderField fields[] = {{"Authorization", "Bearer x"}, {"Accept", "text/event-stream"}};
  std::string wire;
  CHECK_OK(append_request_head(wire, {.method = "POST",
                                      .target = "/v1/chat/completions?x=1",
                                      .host = "127.0.0.1:11434",
                                      .headers = fields,
                                      .framing = Framing::length,
                                      .content_length = 2,
                                      .keep_alive = false}));
  CHECK_EQ(wire,
           "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: 127.0.0.1:11434\r\nAuthorization: Bearer x\r\n"
           "Accept: text/event-stream\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  RequestParser parser;
  std::string_view input = wire;
  CHECK_EQ(parser.next(input), Event::head);
  CHECK_EQ(parser.head().content_length(), 2u);
  CHECK_EQ(parser.head().keep_alive(), false);
}

TEST_CASE(a_request_without_body_has_no_framing) {
  std::string wire = "before";
  CHECK_OK(append_request_head(wire, {.target = "/", .host = "[::1]"}));
  CHECK_EQ(wire, "beforeGET / HTTP/1.1\r\nHost: [::1]\r\n\r\n");
}

TEST_CASE(a_tunnel_is_asked_for_by_its_host) {
  std::string wire;
  CHECK_OK(append_request_head(wire, {.method = "CONNECT", .target = "a:443", .host = "a:443"}));
  CHECK_EQ(wire, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
}

TEST_CASE(what_could_add_a_line_or_a_framing_is_refused_and_nothing_is_written) {
  std::string wire = "before";
  const auto refuse = [&](const RequestHeadSpec& spec) {
    CHECK_FAILS(append_request_head(wire, spec), Code::invalid);
    CHECK_EQ(wire, "before");
  };
  refuse({.method = "GET /x", .target = "/", .host = "a"});
  refuse({.method = "", .target = "/", .host = "a"});
  refuse({.target = "", .host = "a"});
  refuse({.target = "/ HTTP/1.1\r\nX: y", .host = "a"});
  refuse({.target = "/\xc3\xa4", .host = "a"});
  refuse({.target = "/", .host = "a\r\nX: y"});
  refuse({.target = "/", .host = ""});
  refuse({.target = "/", .host = "a", .framing = Framing::until_close});
  for (const HeaderField field :
       {HeaderField{"X", "a\r\nY: b"}, HeaderField{"X", "a\nb"}, HeaderField{"X", std::string_view("a\0", 2)},
        HeaderField{"X Y", "a"}, HeaderField{"", "a"}, HeaderField{"X:", "a"}, HeaderField{"content-length", "5"},
        HeaderField{"Transfer-Encoding", "chunked"}, HeaderField{"HOST", "b"}, HeaderField{"connection", "close"}}) {
    const HeaderField fields[] = {{"Good", "one"}, field};
    refuse({.target = "/", .host = "a", .headers = fields});
  }
}
