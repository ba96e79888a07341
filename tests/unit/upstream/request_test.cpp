#include <simdjson.h>

#include "src/base/text.h"
#include "src/upstream/chat_request.h"
#include "src/upstream/upstream_error.h"
#include "src/upstream/upstream_url.h"
#include "tests/support/test.h"

// What goes to a model's server, read back by a JSON parser that is not ours, and what its refusals become.
namespace bobbin::upstream {
namespace {

TEST_CASE(request_is_json_with_every_message_as_it_was) {
  std::string every_ascii;
  for (char c = 0; c < 127; ++c) every_ascii.push_back(c);
  Prompt prompt{.model = "ignored",
                .messages = {{Role::system, "Be brief."},
                             {Role::user, every_ascii},
                             {Role::assistant, "naïve 你好 🧵 \u2028"},
                             {Role::user, ""}}};
  std::string body;
  append_chat_request(body, prompt, "llama3.2:\"1b\"");
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  CHECK(parser.parse(body).get(document) == simdjson::SUCCESS);
  CHECK_EQ(std::string_view(document["model"]), "llama3.2:\"1b\"");
  CHECK(bool(document["stream"]));
  CHECK(bool(document["stream_options"]["include_usage"]));
  const simdjson::dom::array messages = document["messages"];
  CHECK_EQ(messages.size(), prompt.messages.size());
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    CHECK_EQ(std::string_view(messages.at(i)["role"]), role_name(prompt.messages[i].role));
    CHECK_EQ(std::string_view(messages.at(i)["content"]), prompt.messages[i].content);
  }
}

TEST_CASE(request_without_a_model_names_none) {
  std::string body;
  append_chat_request(body, {.model = "", .messages = {}}, "");
  CHECK_EQ(body, R"({"messages":[],"stream":true,"stream_options":{"include_usage":true}})");
}

TEST_CASE(request_without_tools_is_what_it_always_was) {
  std::string body;
  append_chat_request(body, {.model = "", .messages = {{Role::user, "Hi"}, {Role::assistant, ""}}}, "m");
  CHECK_EQ(body, R"({"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":""}],)"
                 R"("stream":true,"stream_options":{"include_usage":true}})");
}

TEST_CASE(request_shows_the_tools_and_a_round_of_them) {
  const Prompt prompt{
      .model = "",
      .messages = {{Role::user, "Weather?"},
                   {.role = Role::assistant,
                    .content = "",
                    .tool_calls = {{"call_a", "weather", R"({"city":"K\u00f6ln \"x\""})"}, {"call_b", "clock", "{}"}}},
                   {.role = Role::tool, .content = "rain \"heavy\"", .tool_calls = {}, .tool_call_id = "call_a"},
                   {.role = Role::tool, .content = "12:00", .tool_calls = {}, .tool_call_id = "call_b"}},
      .tools = {{.name = "weather", .description = "What \"it\" is like", .parameters = R"({"type":"object"})"},
                {.name = "clock", .description = "", .parameters = ""}}};
  std::string body;
  append_chat_request(body, prompt, "m");
  CHECK_EQ(
      body,
      R"({"model":"m","messages":[{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather",)"
      R"("arguments":"{\"city\":\"K\\u00f6ln \\\"x\\\"\"}"}},)"
      R"({"id":"call_b","type":"function","function":{"name":"clock","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"call_a","content":"rain \"heavy\""},)"
      R"({"role":"tool","tool_call_id":"call_b","content":"12:00"}],)"
      R"("tools":[{"type":"function","function":{"name":"weather","description":"What \"it\" is like","parameters":{"type":"object"}}},)"
      R"({"type":"function","function":{"name":"clock","description":"","parameters":{"type":"object","properties":{}}}}],)"
      R"("stream":true,"stream_options":{"include_usage":true}})");
  simdjson::dom::parser parser;
  CHECK(parser.parse(body).error() == simdjson::SUCCESS);
}

TEST_CASE(request_keeps_what_was_said_beside_a_call) {
  std::string body;
  append_chat_request(
      body,
      {.model = "", .messages = {{.role = Role::assistant, .content = "Wait.", .tool_calls = {{"a", "f", "{}"}}}}}, "");
  CHECK(body.find(R"("content":"Wait.","tool_calls":[{"id":"a")") != std::string::npos);
}

TEST_CASE(request_repeats_a_malformed_call_in_a_form_that_servers_take) {
  for (const char* arguments : {"", "{", "[1]", "\"text\"", "{} {}", "{\"a\":tru}", "null"}) {
    std::string body;
    append_chat_request(body,
                        {.model = "",
                         .messages = {{.role = Role::assistant,
                                       .content = "",
                                       .tool_calls = {{"a", "no such\ntool.\xc3\xa9", arguments}}}}},
                        "");
    CHECK(body.find(R"("function":{"name":"no_such_tool___","arguments":"{}"})") != std::string::npos);
  }
}

TEST_CASE(names_of_tools_are_those_that_servers_take) {
  for (const std::string& good : {std::string("a"), std::string("get-Guide_2"), std::string(64, 'x')}) {
    CHECK(is_tool_name(good));
    CHECK_EQ(to_tool_name(good), good);
  }
  for (const std::string& bad : {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a.b"),
                                 std::string("\xc3\xa9"), std::string("a\0", 2)}) {
    CHECK(!is_tool_name(bad));
    CHECK(is_tool_name(to_tool_name(bad)));
  }
}

TEST_CASE(url_is_taken_with_or_without_its_version) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"},
      {"http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"},
      {"http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"},
      {"http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"},
      {"https://API.openai.com/v1/chat/completions", "https://api.openai.com/v1"},
      {"https://openrouter.ai/api", "https://openrouter.ai/api/v1"},
      {"https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"},
      {"https://host.example/api/paas/v4", "https://host.example/api/paas/v4"},
      {"https://host.example/v1beta/openai/", "https://host.example/v1beta/openai"},
      {"https://host.example/vision", "https://host.example/vision/v1"},
      {"http://[::1]:8080", "http://[::1]:8080/v1"},
  };
  for (const auto& [text, base] : cases) {
    const Endpoints endpoints = CHECK_OK(parse_upstream_url(text));
    CHECK_EQ(endpoints.base, base);
    CHECK(endpoints.base.ends_with(endpoints.models.path.substr(0, endpoints.models.path.size() - 7)));
    CHECK(endpoints.chat.path.ends_with("/chat/completions"));
    CHECK_EQ(endpoints.chat.port, endpoints.models.port);
  }
}

TEST_CASE(url_that_cannot_be_meant_is_refused) {
  for (const std::string_view bad :
       {"", "127.0.0.1:11434", "ftp://host", "http://", "http://user:pass@host", "http://host/v1?key=secret",
        "http://host/?", "http://host/#x", "http://host:99999", "http://ho st", "http://host/\n"}) {
    CHECK_FAILS(parse_upstream_url(bad), Code::invalid);
  }
}

TEST_CASE(status_says_whether_another_try_may_help) {
  for (const int32_t status : {408, 425, 429, 500, 502, 503, 504, 529}) {
    CHECK(error_of_status(status).code == Code::upstream_unavailable);
    CHECK_EQ(error_of_status(status).number, status);
  }
  for (const int32_t status : {301, 307, 400, 401, 403, 404, 413, 422, 501})
    CHECK(error_of_status(status).code == Code::upstream_rejected);
}

TEST_CASE(excerpt_is_the_message_in_any_usual_shape) {
  CHECK_EQ(error_excerpt(R"({"error":{"message":"bad key","type":"x","code":401}})"), "bad key");
  CHECK_EQ(error_excerpt(R"({"error":"plain"})"), "plain");
  CHECK_EQ(error_excerpt(R"({"detail":"Not Found"})"), "Not Found");
  CHECK_EQ(error_excerpt(R"({"message":"m","detail":[1]})"), "m");
  CHECK_EQ(error_excerpt(R"({"detail":[{"loc":["body"]}]})"), R"({"detail":[{"loc":["body"]}]})");
  CHECK_EQ(error_excerpt("<html>\r\n\t<b>502</b>\x1b[31m\0"), "<html> <b>502</b> [31m");
  CHECK_EQ(error_excerpt("\xff\xfe"), "\ufffd\ufffd");
  CHECK_EQ(error_excerpt(""), "");
}

TEST_CASE(excerpt_is_one_bounded_printable_line) {
  const std::string long_text = "{\"error\":\"" + std::string(10'000, 'x') + "\"}";
  const std::string wide = "{\"error\":\"" + std::string(300, ' ') + "\xe4\xbd\xa0";
  std::string marks = "a";
  for (int i = 0; i < 5000; ++i) marks += "\xcc\x81";
  std::string characters;
  for (int i = 0; i < 5000; ++i) characters += "\xf0\x9f\xa7\xb5";
  for (const std::string& body :
       {long_text, long_text.substr(0, 5000), wide, marks, characters, std::string(100'000, '[')}) {
    const std::string line = error_excerpt(body);
    CHECK(line.size() <= kExcerptBytesMax);
    CHECK(is_utf8(line));
    CHECK(!has_control_characters(line));
  }
}

}  // namespace
}  // namespace bobbin::upstream
