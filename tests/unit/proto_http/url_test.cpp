// Proves: URLs, queries and paths are split as written, decoded once, and refused when they could mean two things.

#include "proto_http/url.h"

#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;
using bobbin::Code;

TEST_CASE(a_url_with_everything) {
  const Url url = CHECK_OK(parse_url("HTTPS://Models.Example:8443/v1/x%20y?a=b&c"));
  CHECK(url.tls);
  CHECK_EQ(url.host, "models.example");
  CHECK_EQ(url.port, 8443);
  CHECK_EQ(url.path, "/v1/x%20y");
  CHECK_EQ(url.query, "a=b&c");
  CHECK_EQ(url.authority(), "models.example:8443");
  CHECK_EQ(url.target(), "/v1/x%20y?a=b&c");
}

TEST_CASE(a_url_of_a_host_alone) {
  const Url url = CHECK_OK(parse_url("http://127.0.0.1:11434"));
  CHECK(!url.tls && !url.is_ipv6);
  CHECK_EQ(url.port, 11434);
  CHECK_EQ(url.path, "/");
  CHECK_EQ(CHECK_OK(parse_url("http://a?x")).target(), "/?x");
}

TEST_CASE(the_scheme_s_own_port_is_not_written) {
  CHECK_EQ(CHECK_OK(parse_url("http://a:80/")).authority(), "a");
  CHECK_EQ(CHECK_OK(parse_url("https://a")).authority(), "a");
  CHECK_EQ(CHECK_OK(parse_url("https://a")).port, 443);
  CHECK_EQ(CHECK_OK(parse_url("https://a:80/")).authority(), "a:80");
  CHECK_EQ(CHECK_OK(parse_url("http://a:/")).port, 80);
}

TEST_CASE(an_ipv6_host_loses_its_brackets_and_gets_them_back) {
  const Url url = CHECK_OK(parse_url("http://[2001:DB8::1]:8080/"));
  CHECK(url.is_ipv6);
  CHECK_EQ(url.host, "2001:db8::1");
  CHECK_EQ(url.authority(), "[2001:db8::1]:8080");
}

TEST_CASE(what_is_no_url_of_ours) {
  for (const char* bad : {"",
                          "a",
                          "//a/",
                          "ftp://a/",
                          "http:/a",
                          "http:a",
                          "http://",
                          "http:///x",
                          "http://:80/",
                          "http://a:0/",
                          "http://a:65536/",
                          "http://a:b/",
                          "http://u@a/",
                          "http://u:p@a/",
                          "http://a/#f",
                          "http://a/ b",
                          " http://a/",
                          "http://a/\xc3\xa4",
                          "http://a\r\n/",
                          "http://a/%zz",
                          "http://a/?%f",
                          "http://[::1/",
                          "http://a\\b/",
                          "http://a,b/",
                          "http://%61/",
                          "http://[::1]x/",
                          "javascript:alert(1)"}) {
    CHECK_FAILS(parse_url(bad), Code::invalid);
  }
}

TEST_CASE(escapes_are_decoded_once) {
  CHECK_EQ(CHECK_OK(percent_decode("a%20b+c%2525", false)), "a b+c%25");
  CHECK_EQ(CHECK_OK(percent_decode("a+b%2Bc", true)), "a b+c");
  CHECK_EQ(CHECK_OK(percent_decode("%00%ff%C3%a4", false)), std::string_view("\0\xff\xc3\xa4", 4));
  for (const char* bad : {"%", "a%", "%2", "%2g", "%g2", "%%20", "% 20", "%+1", "%-1", "%0x"}) {
    CHECK_FAILS(percent_decode(bad, false), Code::malformed);
  }
}

TEST_CASE(encoded_bytes_are_decoded_to_themselves) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  std::string encoded;
  append_percent_encoded(encoded, all);
  CHECK_EQ(CHECK_OK(percent_decode(encoded, false)), all);
  CHECK_EQ(CHECK_OK(percent_decode(encoded, true)), all);
  std::string word;
  append_percent_encoded(word, "aZ09-._~/+");
  CHECK_EQ(word, "aZ09-._~%2F%2B");
}

TEST_CASE(a_parameter_is_found_decoded) {
  const auto value_of = [](std::string_view query) { return CHECK_OK(query_parameter(query, "thread_id")); };
  CHECK(value_of("thread_id=a%2Fb+c&limit=5") == "a/b c");
  CHECK(value_of("limit=5&thread_id=a=b") == "a=b");
  CHECK(value_of("thread%5Fid=x") == "x");
  CHECK(value_of("thread_id=") == "");
  CHECK(value_of("thread_id") == "");
  CHECK(value_of("&&thread_id=x&") == "x");
  CHECK(!value_of(""));
  CHECK(!value_of("Thread_id=x&thread_idx=y&=z"));
  CHECK(value_of("thread_id=a;limit=5") == "a;limit=5");
}

TEST_CASE(a_parameter_that_comes_twice_or_is_broken_is_malformed) {
  for (const char* bad : {"t=1&t=2", "t=1&t=1", "t=1&%74=2", "t&t", "t=%", "t=%zz", "%zz=1&t=1", "t=1&x=%"}) {
    CHECK_FAILS(query_parameter(bad, "t"), Code::malformed);
  }
}

TEST_CASE(paths_are_split_before_they_are_decoded) {
  const auto split = [](std::string_view path) { return CHECK_OK(split_path(path)); };
  using Segments = std::vector<std::string>;
  CHECK(split("/") == Segments{});
  CHECK(split("/chat/sessions/a%2Fb") == (Segments{"chat", "sessions", "a/b"}));
  CHECK(split("/chat/") == (Segments{"chat", ""}));
  CHECK(split("//") == (Segments{"", ""}));
  CHECK(split("/a/../%2e%2E/.") == (Segments{"a", "..", "..", "."}));
  CHECK(split("/a+b") == Segments{"a+b"});
  for (const char* bad : {"", "*", "a/b", "/%", "/a/%2"}) CHECK_FAILS(split_path(bad), Code::malformed);
}

TEST_CASE(random_queries_come_back) {
  std::mt19937_64 random = bobbin::test::seeded_random("random_queries_come_back");
  constexpr std::string_view kParts[] = {
      "a", "&", "=", "+", "%", " ", "\xc3\xa4", "#", "?", "/", std::string_view("\0", 1)};
  for (int round = 0; round < 2000; ++round) {
    std::string query;
    std::vector<QueryParameter> expected;
    for (size_t count = bobbin::test::random_below(random, 4); count > 0; --count) {
      const std::string name = bobbin::test::random_text(random, kParts, bobbin::test::random_below(random, 4));
      const std::string value = bobbin::test::random_text(random, kParts, bobbin::test::random_below(random, 4));
      if (!query.empty()) query += '&';
      append_percent_encoded(query, name);
      query += '=';
      append_percent_encoded(query, value);
      expected.push_back({name, value});
    }
    const std::vector<QueryParameter> got = CHECK_OK(split_query(query));
    CHECK_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CHECK_EQ(got[i].name, expected[i].name);
      CHECK_EQ(got[i].value, expected[i].value);
    }
  }
}
