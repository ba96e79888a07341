#include "src/api/chat_request.h"

#include "src/base/limits.h"
#include "tests/support/test.h"

namespace bobbin::api {
namespace {

TEST_CASE(the_old_clients_bodies_are_accepted) {
  for (const char* body : {R"({"message":"hi"})", R"({"message":"hi","thread_id":null})",
                           R"({"message":"hi","thread_id":""})", " {\"thread_id\":null ,\"message\":\"hi\"}\n"}) {
    const ChatRequest request = CHECK_OK(parse_chat_request(body));
    CHECK_EQ(request.message, "hi");
    CHECK_EQ(request.thread_id, "");
    CHECK(request.on_busy == store::OnBusy::queue);
  }
  const ChatRequest request = CHECK_OK(parse_chat_request(
      R"({"message":"\ud83d\ude00 \u0000","thread_id":"thread-\u00e4","model":"m","on_busy":"reject","x":[1]})"));
  CHECK_EQ(request.message, std::string("\xf0\x9f\x98\x80 \0", 6));
  CHECK_EQ(request.thread_id, "thread-\xc3\xa4");
  CHECK_EQ(request.model, "m");
  CHECK(request.on_busy == store::OnBusy::reject);
}

TEST_CASE(what_is_not_json_is_malformed_also_where_nobody_reads) {
  for (const char* body : {"",
                           "{",
                           "hello",
                           "{\"message\":\"a\"",
                           "{\"message\":\"a\",}",
                           "{\"message\":\"a\",\"x\":tru}",
                           "{\"message\":\"a\",\"x\":01}",
                           "{\"message\":\"a\",\"x\":[1,}",
                           "{\"message\":\"a\"} x",
                           "{'message':'a'}",
                           "{\"message\":\"a\xff\"}",
                           "{\"message\":\"a\",\"x\":\"\xc3\"}",
                           "{\"message\":\"\\ud800\"}",
                           "{\"message\":\"a\nb\"}",
                           "{\"message\":\"\\x41\"}",
                           "{\"message\":\"a\"}{\"message\":\"b\"}",
                           "\xef\xbb\xbf{\"message\":\"a\"}",
                           "{\"message\":",
                           "{\"message\":\"a\",\"x\":NaN}",
                           "{\"message\":\"a\",\"x\":1e999999}"}) {
    const auto parsed = parse_chat_request(body);
    CHECK(!parsed.has_value());
    CHECK_EQ(std::string(code_name(parsed.error().code)), "malformed");
  }
}

TEST_CASE(what_is_json_but_not_allowed_is_invalid) {
  for (const char* body :
       {"[]", "\"message\"", "null", "{}", R"({"message":null})", R"({"message":""})", R"({"message":" \t\r\n"})",
        R"({"message":1})", R"({"message":["a"]})", R"({"message":"a","thread_id":7})",
        R"({"message":"a","thread_id":"a\u0000b"})", R"({"message":"a","thread_id":"a\nb"})",
        R"({"message":"a","thread_id":"\u0085"})", R"({"message":"a","message":"b"})", R"({"message":"a","model":{}})",
        R"({"message":"a","on_busy":"wait"})"}) {
    CHECK_FAILS(parse_chat_request(body), Code::invalid);
  }
  CHECK_FAILS(parse_chat_request("{\"message\":\"a\",\"thread_id\":\"" + std::string(129, 'x') + "\"}"), Code::invalid);
  CHECK_OK(parse_chat_request("{\"message\":\"a\",\"thread_id\":\"" + std::string(128, 'x') + "\"}"));
}

TEST_CASE(a_message_has_a_largest_size) {
  const auto body = [](size_t bytes) { return "{\"message\":\"" + std::string(bytes, 'x') + "\"}"; };
  CHECK_OK(parse_chat_request(body(limits::kMessageBytesMax)));
  CHECK_FAILS(parse_chat_request(body(limits::kMessageBytesMax + 1)), Code::too_large);
}

TEST_CASE(deep_nesting_is_refused_and_does_not_end_the_process) {
  CHECK_FAILS(
      parse_chat_request("{\"message\":\"a\",\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"),
      Code::malformed);
}

}  // namespace
}  // namespace bobbin::api
