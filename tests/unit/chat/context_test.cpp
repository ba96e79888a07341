#include "src/chat/context.h"

#include "src/chat/run_options.h"
#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

store::Message message(store::Role role, std::string content) {
  store::Message result;
  result.role = role;
  result.content = std::move(content);
  return result;
}

std::string shape(const std::vector<upstream::ChatMessage>& prompt) {
  std::string out;
  for (const upstream::ChatMessage& one : prompt) {
    out.append(upstream::role_name(one.role)).append(":").append(one.content.substr(0, 4)).append(" ");
  }
  return out;
}

TEST_CASE(the_prompt_is_the_conversation_oldest_first_under_the_system_prompt) {
  const auto prompt = fit_context(
      {.system_prompt = "Be brief."},
      {message(store::Role::user, "three"), message(store::Role::assistant, "two"), message(store::Role::user, "one")});
  CHECK_EQ(shape(prompt), "system:Be b user:one assistant:two user:thre ");
}

TEST_CASE(the_budget_drops_the_oldest_and_an_answer_without_its_question) {
  const std::string long_text(300, 'x');  // 104 tokens
  const auto prompt =
      fit_context({.tokens_max = 330},
                  {message(store::Role::user, "a" + long_text), message(store::Role::assistant, "b" + long_text),
                   message(store::Role::user, "c" + long_text), message(store::Role::assistant, "d" + long_text),
                   message(store::Role::user, "e" + long_text)});
  CHECK_EQ(shape(prompt), "user:cxxx assistant:bxxx user:axxx ");
  const auto cut_at_answer = fit_context({.tokens_max = 220}, {message(store::Role::user, "a" + long_text),
                                                               message(store::Role::assistant, "b" + long_text),
                                                               message(store::Role::user, "c" + long_text)});
  CHECK_EQ(shape(cut_at_answer), "user:axxx ");
}

TEST_CASE(the_newest_message_goes_along_however_long_it_is) {
  const auto prompt =
      fit_context({.system_prompt = "s", .tokens_max = 10},
                  {message(store::Role::user, std::string(5000, 'x')), message(store::Role::user, "old")});
  CHECK_EQ(prompt.size(), 2u);
  CHECK_EQ(prompt[1].content.size(), 5000u);
}

TEST_CASE(messages_without_text_and_tool_messages_are_left_out) {
  const auto prompt = fit_context({}, {message(store::Role::user, "now"), message(store::Role::assistant, ""),
                                       message(store::Role::tool, "result"), message(store::Role::user, "then")});
  CHECK_EQ(shape(prompt), "user:then user:now ");
}

TEST_CASE(run_options_survive_their_bytes) {
  for (const char* model : {"", "llama3", "a\"b\\c\n", "модель"}) {
    CHECK_EQ(decode_run_options(encode_run_options({.model = model})).model, std::string(model));
  }
  CHECK_EQ(decode_run_options("{\"other\":1}").model, "");
}

}  // namespace
}  // namespace bobbin::chat
