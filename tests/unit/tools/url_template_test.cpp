#include "src/tools/url_template.h"

#include "src/tools/arguments.h"
#include "tests/support/test.h"

// URLs made of arguments: what each argument may and may not change.
namespace bobbin::tools {
namespace {

UrlTemplate made(std::string_view text) {
  std::string complaint;
  std::optional<UrlTemplate> url = UrlTemplate::parse(text, complaint);
  if (!url) throw bobbin::test::Failure(std::string(text) + ": " + complaint);
  return *url;
}

// The target, or the complaint after a `!`.
std::string expanded(const UrlTemplate& url, std::string_view arguments) {
  const JsonDocument document = CHECK_OK(JsonDocument::parse(arguments));
  std::string complaint;
  const std::optional<http::Url> result = url.expand(document.root(), complaint);
  if (!result) return '!' + complaint;
  CHECK_EQ(result->host, "api.example.com");
  // What is sent is always a URL that parses again to the same.
  const Result<http::Url> again = http::parse_url("https://" + result->authority() + result->target());
  CHECK(again.has_value());
  CHECK(*again == *result);
  return result->target();
}

TEST_CASE(arguments_are_encoded_into_path_and_query) {
  const UrlTemplate url = made("https://api.example.com/v1/{city}/day/{day}?q={q}&lang=en&n={n}");
  CHECK(url.names() == (std::vector<std::string>{"city", "day", "q", "n"}));
  CHECK_EQ(expanded(url, R"({"city":"K\u00f6ln/x?#&=%2e","day":7,"q":"a&b=c d+e#","n":true})"),
           "/v1/K%C3%B6ln%2Fx%3F%23%26%3D%252e/day/7?q=a%26b%3Dc%20d%2Be%23&lang=en&n=true");
}

TEST_CASE(query_parts_without_their_argument_are_left_out) {
  const UrlTemplate url = made("https://api.example.com?a={a}&fixed=1&b={b}-{c}");
  CHECK_EQ(expanded(url, R"({"a":"","b":[1,"x y"],"c":{"k":null}})"), "/?a=&fixed=1&b=1%2Cx%20y-%7B%22k%22%3Anull%7D");
  CHECK_EQ(expanded(url, R"({"a":null,"b":1})"), "/?fixed=1");
  CHECK_EQ(expanded(made("https://api.example.com/x?a={a}"), "{}"), "/x");
}

TEST_CASE(path_arguments_have_to_be_there_and_cannot_go_up) {
  const UrlTemplate url = made("https://api.example.com/files/{name}/{more}.json");
  CHECK_EQ(expanded(url, R"({"name":"..a","more":".."})"), "/files/..a/...json");
  for (const char* bad :
       {R"({"name":"..","more":"x"})", R"({"name":".","more":"x"})", R"({"name":"../../admin","more":"x"})",
        R"({"name":"a/../b","more":"x"})", R"({"name":"a\\..\\b","more":"x"})", R"({"name":"..;x","more":"x"})",
        R"({"name":"","more":"x"})", R"({"more":"x"})", R"({"name":null,"more":"x"})",
        R"({"name":"a\u0000","more":"x"})", R"({"name":"a\r\nb","more":"x"})"})
    CHECK(expanded(url, bad).starts_with("!"));
  const UrlTemplate pair = made("https://api.example.com/{a}{b}/c");
  CHECK(expanded(pair, R"({"a":".","b":"."})").starts_with("!"));
  CHECK(expanded(pair, R"({"a":"x/.","b":"./"})").starts_with("!"));
}

TEST_CASE(url_that_grows_too_long_is_refused) {
  const UrlTemplate url = made("https://api.example.com/?q={q}");
  CHECK_EQ(expanded(url, "{\"q\":\"" + std::string(7'000, 'x') + "\"}").size(), 7'004u);
  CHECK(expanded(url, "{\"q\":\"" + std::string(3'000, ' ') + "\"}").starts_with("!"));
}

TEST_CASE(template_fixes_scheme_host_and_port) {
  for (const char* bad :
       {"", "api.example.com/x", "{scheme}://api.example.com/", "https://{host}/", "https://api.example.com:{port}/",
        "https://{a}@api.example.com/", "https://api.{b}.com", "ftp://api.example.com/",
        "https://user:pw@api.example.com/", "https://api.example.com/#{a}", "https://api.example.com/{",
        "https://api.example.com/}", "https://api.example.com/{}", "https://api.example.com/{a b}",
        "https://api.example.com/{a{b}}", "https://api.example.com/../x", "https://api.example.com/x/%2e%2e/{a}",
        "https://api.example.com/ x", "https://"}) {
    std::string complaint;
    if (UrlTemplate::parse(bad, complaint)) throw bobbin::test::Failure(std::string("accepted ") + bad);
    CHECK(!complaint.empty());
  }
}

TEST_CASE(port_and_ipv6_host_are_kept) {
  std::string complaint;
  const JsonDocument document = CHECK_OK(JsonDocument::parse(R"({"a":"1"})"));
  const auto url = made("http://[2001:db8::1]:8080/{a}").expand(document.root(), complaint);
  CHECK(url && url->is_ipv6 && url->port == 8080 && !url->tls);
  CHECK_EQ(url->path, "/1");
}

}  // namespace
}  // namespace bobbin::tools
