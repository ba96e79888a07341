#include "src/base/text.h"

#include "src/tools/clip.h"
#include "src/tools/ifixit_text.h"
#include "src/tools/json_value.h"
#include "tests/support/test.h"

// Reading and cutting what tools are told: JSON of any shape, text at any byte, iFixit's two notations.
namespace bobbin::tools {
namespace {

TEST_CASE(json_value_gives_nothing_for_what_it_is_not) {
  const JsonDocument document = CHECK_OK(JsonDocument::parse(
      R"({"text":"é","number":12,"float":12.0,"half":1.5,"huge":1e300,"yes":true,"nothing":null,"list":[1,"a",{}],"in":{"x":1,"x":2}})"));
  const JsonValue root = document.root();
  CHECK(root.is_object());
  CHECK_EQ(root["text"].text(), "\u00e9");
  CHECK(root["number"].integer() == 12);
  CHECK(root["float"].integer() == 12);
  CHECK(!root["half"].integer() && !root["huge"].integer() && !root["text"].integer());
  CHECK(root["yes"].boolean() == true && !root["number"].boolean());
  CHECK(root["nothing"].kind() == JsonValue::Kind::null);
  CHECK(root["missing"].is_absent() && root["missing"]["deeper"]["still"].is_absent());
  CHECK(root["text"]["x"].is_absent() && root["list"]["0"].is_absent());
  CHECK_EQ(root["list"].items().size(), 3u);
  CHECK(root["in"].items().empty() && root["list"].fields().empty() && root["missing"].items().empty());
  CHECK(root["in"]["x"].integer() == 1);
  CHECK_EQ(root["list"].to_json(), R"([1,"a",{}])");
  CHECK_EQ(root["missing"].to_json(), "");
  CHECK_EQ(root["number"].text(), "");
}

TEST_CASE(json_that_is_malformed_or_too_deep_is_refused) {
  for (const std::string& bad : {std::string(), std::string("{"), std::string("{}{}"), std::string("\"\xff\""),
                                 std::string(R"("\ud800")"), std::string("[1,]"), std::string("nul")})
    CHECK_FAILS(JsonDocument::parse(bad), Code::malformed);
  CHECK_FAILS(JsonDocument::parse(std::string(65, '[') + std::string(65, ']')), Code::malformed);
  CHECK_FAILS(JsonDocument::parse(std::string(1'000'000, '[')), Code::malformed);
  const JsonDocument deep = CHECK_OK(JsonDocument::parse(std::string(60, '[') + std::string(60, ']')));
  CHECK_EQ(deep.root().to_json().size(), 120u);
}

TEST_CASE(json_document_keeps_its_values_when_moved) {
  JsonDocument first = CHECK_OK(JsonDocument::parse(R"({"a":"b"})"));
  const JsonValue value = first.root()["a"];
  const JsonDocument second = std::move(first);
  CHECK_EQ(value.text(), "b");
  CHECK_EQ(second.source(), R"({"a":"b"})");
}

TEST_CASE(text_is_cut_between_characters) {
  const std::string text = "a\u00e9\u4f60\U0001f9f5";
  for (size_t bytes = 0; bytes <= text.size() + 1; ++bytes) {
    const std::string_view cut = cut_text(text, bytes);
    CHECK(cut.size() <= bytes);
    CHECK(is_utf8(cut));
    CHECK(text.starts_with(cut));
    CHECK(bytes < cut.size() + 4 || cut.size() == text.size());
  }
}

TEST_CASE(clipped_result_keeps_its_bound_and_says_that_it_was_cut) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\u4f60";
  CHECK_EQ(clip_result(text, 1500), text);
  for (size_t bound = 100; bound < 130; ++bound) {
    const std::string clipped = clip_result(text, bound);
    CHECK(clipped.size() <= bound && clipped.size() + 3 > bound);
    CHECK(is_utf8(clipped));
    CHECK(clipped.find("[cut here") != std::string::npos);
  }
}

TEST_CASE(status_line_is_one_clean_bounded_line) {
  CHECK_EQ(to_status_line("a\r\n\tb\x1b[31m \xff"), "a b [31m \ufffd");
  CHECK_EQ(to_status_line(""), "");
  std::string marks = "a";
  for (int i = 0; i < 10'000; ++i) marks += "\xcc\x81";
  for (const std::string& text : {std::string(100'000, 'x'), marks}) {
    CHECK(to_status_line(text).size() <= 1200);
    CHECK(is_utf8(to_status_line(text)));
  }
}

TEST_CASE(wiki_markup_is_taken_off) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Use a ''spudger'' and '''be careful'''.", "Use a spudger and be careful."},
      {"== Heading ==\nText", "Heading \nText"},
      {"Get a [product|IF145-002|64 bit kit|new_window=true] now", "Get a 64 bit kit now"},
      {"See [link|https://x.example/a?b=c|this page].", "See this page."},
      {"See [link|https://x.example/a?b=c].", "See https://x.example/a?b=c."},
      {"[[Battery|Batteries]] and [[Screen]]", "Batteries and Screen"},
      {"a [image|12345] b", "a  b"},
      {"plain [sic] brackets [ and ] ]]", "plain [sic] brackets [ and ] ]]"},
      {"open [link|never closed", "open [link|never closed"},
      {"a\x01\x1b[0m\xc2\x9b b\r\n\tc", "a[0m b\n c"},
      {"It's 5'' wide", "It's 5 wide"},
      {"", ""},
  };
  for (const auto& [markup, plain] : cases) CHECK_EQ(strip_wiki_markup(markup), plain);
  CHECK(strip_wiki_markup(std::string(200'000, '[')).size() == 200'000);
}

TEST_CASE(html_becomes_text) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"<p>One</p><p class=\"a\">Two &amp; three</p>", "One\nTwo & three"},
      {"a<br/>b<script>alert('x')</script>c<STYLE>p{}</STYLE>d", "a\nbcd"},
      {"5 &lt; 6 &#176;C &#x41; &nbsp;&unknown; &#xd800; &#0; &#1114112; &",
       "5 < 6 \u00b0C A  &unknown; &#xd800; &#0; &#1114112; &"},
      {"3 < 4 and <", "3 < 4 and <"},
      {"text<a href=\"never closed", "text"},
      {"<script>never closed", ""},
      {"<!-- note -->x", "x"},
      {"&#128295;&#233;&#x4f60;", "\U0001f527\u00e9\u4f60"},
  };
  for (const auto& [html, text] : cases) CHECK_EQ(strip_html(html), text);
  CHECK(is_utf8(strip_html("\u4f60<b>\u4f60</b>&hellip;")));
  CHECK_EQ(strip_html(std::string(100'000, '<')).size(), 100'000u);
}

}  // namespace
}  // namespace bobbin::tools
