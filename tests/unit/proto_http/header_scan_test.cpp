// Proves: what is a host, and that white space never hides between name and colon. The heads themselves are in
// tests/http_cases.

#include "proto_http/header_scan.h"

#include "tests/support/test.h"

using namespace bobbin::http;

TEST_CASE(hosts_of_every_kind) {
  for (const char* good : {"a", "a.example", "127.0.0.1", "a:0", "a:65535", "a:", "[::1]", "[::ffff:1.2.3.4]:80",
                           "x%41", "a_b", "!$&'()*+;="}) {
    CHECK(is_host_and_port(good));
  }
}

TEST_CASE(what_is_no_host) {
  for (const char* bad :
       {"",           ":",   ":80", "a:65536", "a:99999", "a:000080", "a:-1",    "a:+1",    "a:8 ", "a b",
        "a,b",        "a/b", "u@a", "[",       "[]",      "[::1",     "[::1]80", "[::1]]",  "::1",  "[1.2.3.4]",
        "[::1%25lo]", "a%",  "a%4", "a%4g",    "a\x7f",   "\xc3\xa4", "a\tb",    "[::1]:a", "a\\b", "a<b>"}) {
    CHECK(!is_host_and_port(bad));
  }
  CHECK(!is_host_and_port(std::string_view("a\0b", 3)));
  CHECK(!is_host_and_port(std::string_view("[::1\0]", 6)));
}

TEST_CASE(a_gatherer_takes_no_byte_past_the_head) {
  HeadGatherer gather(HeadGatherer::Kind::request, {100, 200});
  std::string_view input = "GET / HTTP/1.1\r\n\r\nrest";
  CHECK_EQ(gather.next(input), HeadGatherer::Step::first_line);
  CHECK_EQ(gather.bytes(), "GET / HTTP/1.1\r\n");
  CHECK_EQ(gather.next(input), HeadGatherer::Step::complete);
  CHECK_EQ(input, "rest");
  CHECK_EQ(gather.take(), "GET / HTTP/1.1\r\n\r\n");
  CHECK(gather.is_empty());
}
