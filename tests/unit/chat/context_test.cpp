#include "src/chat/context.h"

#include "src/chat/run_options.h"
#include "src/chat/tool_steps.h"
#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

// A view of `content`.
store::MessageView message(store::Role role, std::string_view content) {
  store::MessageView result;
  result.role = role;
  result.content = content;
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

std::vector<ToolStep> two_steps() {
  return {{.text_end = 5,
           .calls = {{.id = "a",
                      .name = "look",
                      .arguments = "{}",
                      .state = ToolCallStep::State::done,
                      .result = std::string(900, 'r'),
                      .summary = "looked"}}},
          {.text_end = 5,
           .calls = {{.id = "b",
                      .name = "look",
                      .arguments = "{",
                      .state = ToolCallStep::State::running,
                      .result = {},
                      .summary = {}}}}};
}

store::MessageView with_steps() {
  static const std::string steps = encode_tool_steps(two_steps());
  store::MessageView answer = message(store::Role::assistant, "first\n\nlast");
  answer.tool_steps = steps;
  return answer;
}

TEST_CASE(an_answer_that_called_tools_is_shown_with_calls_and_results_where_there_is_room) {
  std::vector<store::MessageView> newest_first{message(store::Role::user, "now"), with_steps(),
                                               message(store::Role::user, "then")};
  const auto prompt = fit_context({}, newest_first);
  CHECK_EQ(shape(prompt), "user:then assistant:firs tool:rrrr assistant: tool:Outc assistant:last user:now ");
  CHECK_EQ(prompt[1].content, "first");
  CHECK_EQ(prompt[1].tool_calls.at(0).id, "a");
  CHECK_EQ(prompt[2].tool_call_id, "a");
  CHECK_EQ(prompt[3].tool_calls.at(0).arguments, "{");
  CHECK_EQ(prompt[5].content, "last");
  CHECK_EQ(shape(fit_context({.tokens_max = 100}, newest_first)), "user:then assistant:firs user:now ");
}

TEST_CASE(tool_steps_survive_their_bytes_and_what_is_none_is_left_out) {
  const std::string json = encode_tool_steps(two_steps());
  CHECK_EQ(encode_tool_steps(decode_tool_steps(json)), json);
  for (const char* bad : {"", "x", "{}", "[1,{}]", R"([{"text_end":-1,"calls":[]}])"})
    CHECK(decode_tool_steps(bad).empty());
}

TEST_CASE(a_prompt_that_grows_by_tools_stays_within_the_budget_and_keeps_the_question) {
  using upstream::Role;
  std::vector<upstream::ChatMessage> messages{{Role::system, "sys"},
                                              {Role::user, "old" + std::string(600, 'x')},
                                              {Role::assistant, "old"},
                                              {Role::user, "question"}};
  for (int round = 0; round < 4; ++round) {
    messages.push_back({Role::assistant, "", {{"id", "look", "{}"}}, {}});
    messages.push_back({Role::tool, "\xc3\xa4" + std::string(2999, 'r'), {}, "id"});
    make_room(messages, 1200);
    uint64_t tokens = 0;
    for (const upstream::ChatMessage& one : messages) tokens += estimate_tokens(one.content) + 10;
    CHECK(tokens <= 1200 + 20 * messages.size());
  }
  CHECK_EQ(shape(messages).substr(0, 21), "system:sys user:ques ");
  CHECK_EQ(messages.size(), size_t{10});
  CHECK(messages[3].content.starts_with("(This result was left out"));
  CHECK(messages.back().content.size() > 2000);
  messages.back().content = std::string(90'000, 'r') + "\xc3\xa4";
  make_room(messages, 1200);
  CHECK(messages.back().content.size() < 4000 && messages.back().content.ends_with(")"));
}

TEST_CASE(run_options_survive_their_bytes) {
  for (const char* model : {"", "llama3", "a\"b\\c\n", "модель"}) {
    CHECK_EQ(decode_run_options(encode_run_options({.model = model})).model, std::string(model));
  }
  CHECK_EQ(decode_run_options("{\"other\":1}").model, "");
}

}  // namespace
}  // namespace bobbin::chat
