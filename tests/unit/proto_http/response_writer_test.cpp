// Proves: heads are written byte for byte as expected, and our own ResponseParser reads them back.

#include "proto_http/response_writer.h"

#include "proto_http/response_parser.h"
#include "tests/support/test.h"

using namespace bobbin::http;

namespace {

std::string written(const ResponseHeadSpec& spec) {
  std::string out;
  append_response_head(out, spec);
  return out;
}

}  // namespace

TEST_CASE(a_fixed_answer) {
  const HeaderField fields[] = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  CHECK_EQ(written({.status = 201, .headers = fields, .content_length = 42, .date = "Tue, 16 Dec 2025 10:30:00 GMT"}),
           "HTTP/1.1 201 Created\r\nDate: Tue, 16 Dec 2025 10:30:00 GMT\r\nContent-Type: application/json\r\n"
           "X-Empty: \r\nContent-Length: 42\r\n\r\n");
}

TEST_CASE(a_chunked_answer_that_closes) {
  CHECK_EQ(written({.framing = Framing::chunked, .keep_alive = false}),
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

TEST_CASE(an_old_client_is_told_that_the_connection_stays) {
  CHECK_EQ(written({.content_length = 0, .client_minor_version = 0}),
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE(a_stream_to_an_old_client_ends_by_closing) {
  CHECK_EQ(written({.framing = Framing::until_close, .keep_alive = false, .client_minor_version = 0}),
           "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST_CASE(an_answer_without_body_has_no_framing) {
  CHECK_EQ(written({.status = 204, .framing = Framing::none}), "HTTP/1.1 204 No Content\r\n\r\n");
  std::string out;
  append_continue(out);
  CHECK_EQ(out, "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_CASE(every_status_of_the_contract_has_a_reason) {
  for (const int status :
       {200, 201, 204, 400, 401, 403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 422, 429, 431, 501, 503, 507}) {
    CHECK(std::string(status_reason(status)) != "Unknown");
  }
  CHECK_EQ(std::string(status_reason(799)), "Unknown");
}

TEST_CASE(chunks_have_hexadecimal_sizes_and_an_empty_one_is_left_out) {
  std::string out;
  append_chunk(out, "");
  append_chunk(out, "0123456789abcdefg");
  append_last_chunk(out);
  CHECK_EQ(out, "11\r\n0123456789abcdefg\r\n0\r\n\r\n");
}

TEST_CASE(a_written_answer_is_read_back) {
  const HeaderField fields[] = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache, no-transform"}};
  std::string wire = written({.headers = fields, .framing = Framing::chunked});
  append_chunk(wire, "data: x\n\n");
  append_last_chunk(wire);
  ResponseParser parser(RequestKind::normal);
  std::string_view input = wire;
  CHECK_EQ(parser.next(input), Event::head);
  CHECK_EQ(parser.head().keep_alive(), true);
  CHECK_EQ(*parser.head().find_header("cache-control"), "no-cache, no-transform");
  CHECK_EQ(parser.next(input), Event::body);
  CHECK_EQ(parser.body_piece(), "data: x\n\n");
  CHECK_EQ(parser.next(input), Event::complete);
  CHECK(input.empty());
}
