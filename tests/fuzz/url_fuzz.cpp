// URLs, queries and paths: what is taken apart can be put together again and means the same, and nothing of one part
// gets into another.

#include "proto_http/url.h"

#include "proto_http/header_scan.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

void check_url(std::string_view input) {
  const Result<http::Url> url = http::parse_url(input);
  if (!url) {
    FUZZ_CHECK(url.error().detail[0] != '\0');
    return;
  }
  FUZZ_CHECK(!url->host.empty() &&
             url->host.find_first_of("/?#@%[] \\ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
  FUZZ_CHECK(url->is_ipv6 || url->host.find(':') == std::string::npos);
  FUZZ_CHECK(url->port != 0);
  FUZZ_CHECK(url->path.starts_with('/') && url->path.find('?') == std::string::npos);
  FUZZ_CHECK(url->target().find_first_of("# \r\n") == std::string::npos);
  FUZZ_CHECK(http::is_host_and_port(url->authority()));
  const Result<http::Url> again =
      http::parse_url((url->tls ? "https://" : "http://") + url->authority() + url->target());
  FUZZ_CHECK(again.has_value() && *again == *url);
}

void check_escapes(std::string_view input) {
  std::string encoded;
  http::append_percent_encoded(encoded, input);
  for (const bool plus_is_space : {false, true}) {
    const Result<std::string> back = http::percent_decode(encoded, plus_is_space);
    FUZZ_CHECK(back.has_value() && *back == input);
  }
  FUZZ_CHECK(encoded.find_first_of("/?#&=+ \r\n") == std::string::npos);
  if (const Result<std::string> plain = http::percent_decode(input, false)) FUZZ_CHECK(plain->size() <= input.size());
}

void check_query(std::string_view input) {
  const Result<std::vector<http::QueryParameter>> parameters = http::split_query(input);
  std::string rebuilt;
  if (parameters) {
    for (const http::QueryParameter& parameter : *parameters) {
      rebuilt += rebuilt.empty() ? "" : "&";
      http::append_percent_encoded(rebuilt, parameter.name);
      rebuilt += '=';
      http::append_percent_encoded(rebuilt, parameter.value);
    }
    const Result<std::vector<http::QueryParameter>> again = http::split_query(rebuilt);
    FUZZ_CHECK(again.has_value() && again->size() == parameters->size());
    for (size_t i = 0; i < again->size(); ++i) {
      FUZZ_CHECK((*again)[i].name == (*parameters)[i].name && (*again)[i].value == (*parameters)[i].value);
    }
    for (const http::QueryParameter& wanted : *parameters) {
      size_t count = 0;
      for (const http::QueryParameter& parameter : *parameters) count += parameter.name == wanted.name ? 1 : 0;
      const Result<std::optional<std::string>> found = http::query_parameter(input, wanted.name);
      FUZZ_CHECK(found.has_value() == (count == 1));
      if (found) FUZZ_CHECK(found->has_value() && **found == wanted.value);
    }
  } else {
    FUZZ_CHECK(!http::query_parameter(input, "limit"));
  }
}

void check_path(std::string_view input) {
  const Result<std::vector<std::string>> segments = http::split_path(input);
  if (!segments) return;
  FUZZ_CHECK(input.starts_with('/'));
  std::string rebuilt;
  for (const std::string& segment : *segments) {
    rebuilt += '/';
    http::append_percent_encoded(rebuilt, segment);
  }
  if (rebuilt.empty()) rebuilt = "/";
  const Result<std::vector<std::string>> again = http::split_path(rebuilt);
  // "/" stands for no segment, so one empty segment cannot come of it.
  FUZZ_CHECK(again.has_value() && *again == *segments);
}

}  // namespace

void run(std::string_view input) {
  check_url(input);
  check_escapes(input);
  check_query(input);
  check_path(input);
}

}  // namespace bobbin::fuzz
