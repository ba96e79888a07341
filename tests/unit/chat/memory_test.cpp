#include "src/chat/memory.h"

#include "src/chat/reply.h"
#include "src/chat/tool_steps.h"
#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

const ContextOptions kOptions{.system_prompt = {}, .tokens_max = 1000};

// A branch of `texts`, oldest first, questions and answers in turn; orders are 10, 20, ….
struct Branch {
  explicit Branch(std::vector<std::string> texts_in) : texts(std::move(texts_in)) {
    for (size_t i = texts.size(); i > 0; --i) {
      store::MessageView message;
      message.order = i * 10;
      message.role = i % 2 == 1 ? store::Role::user : store::Role::assistant;
      message.content = texts[i - 1];
      context.page.messages.push_back(message);
    }
    context.page.found = true;
  }
  std::vector<std::string> texts;
  Context context;
};

// Of about 100 tokens, beginning with its number.
std::string text(int number) { return "<" + std::to_string(number) + ">" + std::string(282, 'x'); }
std::vector<std::string> texts(int count) {
  std::vector<std::string> all;
  for (int i = 1; i <= count; ++i) all.push_back(text(i));
  return all;
}
bool shows(const Fold& fold, int number) {
  return fold.prompt.messages[1].content.find("<" + std::to_string(number) + ">") != std::string::npos;
}

TEST_CASE(a_conversation_is_folded_when_it_fills_three_quarters_of_its_room) {
  CHECK(!wants_fold(kOptions, 750));
  CHECK(wants_fold(kOptions, 751));
  CHECK(!plan_fold(kOptions, Branch(texts(7)).context));
  const auto fold = plan_fold(kOptions, Branch(texts(8)).context);
  CHECK(fold.has_value());
  // Three eighths stay: a turn and a half, so one turn.
  CHECK_EQ(fold->memory.order, uint64_t{50} - 10);
  CHECK_EQ(fold->memory.from_order, uint64_t{10});
  CHECK_EQ(fold->memory.messages, 4u);
  for (int number = 1; number <= 8; ++number) CHECK_EQ(shows(*fold, number), number <= 4);
  CHECK(fold->prompt.is_aside && fold->prompt.tools.empty());
}

TEST_CASE(a_memory_is_folded_again_with_what_came_after_it) {
  Branch branch(texts(8));
  branch.context.memory =
      store::Memory{.order = 5, .from_order = 2, .messages = 3, .created_us = 0, .model = {}, .text = "what was noted"};
  branch.context.memories = {5, 4};
  const auto fold = plan_fold(kOptions, branch.context);
  CHECK(fold.has_value());
  CHECK(fold->prompt.messages[1].content.find("what was noted") != std::string::npos);
  CHECK_EQ(fold->memory.from_order, uint64_t{2});
  CHECK_EQ(fold->memory.messages, 7u);
  CHECK((fold->replaces == std::vector<uint64_t>{5, 4}));
}

TEST_CASE(what_does_not_go_into_one_request_is_left_for_the_next_whole_turns_at_a_time) {
  const auto fold = plan_fold(kOptions, Branch(texts(15)).context);
  CHECK(fold.has_value());
  CHECK_EQ(fold->memory.from_order, uint64_t{10});
  CHECK_EQ(fold->memory.order, uint64_t{40});  // half of the room, and it ends with an answer
  uint64_t tokens = 0;
  for (const upstream::ChatMessage& message : fold->prompt.messages) tokens += estimate_tokens(message.content);
  CHECK(tokens < 1000);
}

TEST_CASE(the_last_turn_stays_however_long_it_is_and_long_texts_are_shortened) {
  std::vector<std::string> all{"q", std::string(90'000, 'a'), "q2", std::string(90'000, 'b')};
  const auto fold = plan_fold(kOptions, Branch(all).context);
  CHECK(fold.has_value());
  CHECK_EQ(fold->memory.order, uint64_t{20});
  CHECK(fold->prompt.messages[1].content.size() < 3000);
  CHECK(fold->prompt.messages[1].content.find("[...]") != std::string::npos);
  CHECK(!plan_fold(kOptions, Branch({"q", std::string(90'000, 'a')}).context));
}

TEST_CASE(calls_are_told_without_their_results) {
  std::vector<std::string> all = texts(8);
  Branch branch(all);
  const std::string steps = encode_tool_steps({{.text_end = 0,
                                                .calls = {{.id = "1",
                                                           .name = "look_up",
                                                           .arguments = "{}",
                                                           .state = ToolCallStep::State::done,
                                                           .result = "long result",
                                                           .summary = "found it"}}}});
  branch.context.page.messages[6].tool_steps = steps;
  const auto fold = plan_fold(kOptions, branch.context);
  CHECK(fold.has_value());
  CHECK(fold->prompt.messages[1].content.find("(The assistant called look_up: found it)") != std::string::npos);
  CHECK(fold->prompt.messages[1].content.find("long result") == std::string::npos);
}

TEST_CASE(a_message_counts_for_what_is_shown_of_it) {
  CHECK_EQ(fold_message_tokens_max(kOptions), uint64_t{250});
  CHECK(fold_message_tokens_max(kOptions) * 4 < fold_tokens_max(kOptions));  // some of the longest do not fill it
}

TEST_CASE(a_system_prompt_takes_its_part_of_the_room_or_all_of_it) {
  const ContextOptions half{.system_prompt = std::string(1500, 's'), .tokens_max = 1000};
  CHECK(plan_fold(half, Branch(texts(5)).context).has_value());
  const ContextOptions all{.system_prompt = std::string(5000, 's'), .tokens_max = 1000};
  CHECK(!wants_fold(all, 100'000));
  CHECK(!plan_fold(all, Branch(texts(8)).context));
  CHECK(wants_fold(half, 600));
}

TEST_CASE(whatever_the_branch_a_fold_leaves_less_than_there_was_and_keeps_its_order) {
  uint32_t state = 7;
  const auto below = [&](uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % bound;
  };
  for (int round = 0; round < 3000; ++round) {
    Branch branch({});
    const uint32_t count = below(30);
    for (uint32_t i = 0; i < count; ++i) branch.texts.emplace_back(below(4) == 0 ? below(20'000) : below(600), 'x');
    for (uint32_t i = count; i > 0; --i) {
      store::MessageView message;
      message.order = i;
      message.role = static_cast<store::Role>(1 + below(4));
      message.content = branch.texts[i - 1];
      branch.context.page.messages.push_back(message);
    }
    const ContextOptions options{.system_prompt = std::string(below(3) * 400, 's'), .tokens_max = 256 + below(2000)};
    const auto fold = plan_fold(options, branch.context);
    if (!fold) continue;
    CHECK(fold->memory.order >= 1 && fold->memory.order + 1 < count + 1);
    CHECK(fold->memory.from_order == 1 && fold->memory.messages == fold->memory.order);
  }
}

TEST_CASE(a_reply_is_kept_without_thoughts_and_white_space_and_cut_at_a_character) {
  CHECK_EQ(clean_memory("<think>hm</think>\n She asked.\n", 100), "She asked.");
  CHECK_EQ(clean_memory("aä", 2), "a");
  CHECK_EQ(clean_memory(" \n", 100), "");
}

TEST_CASE(a_memory_is_shown_with_the_system_prompt_and_takes_its_part_of_the_budget) {
  const Branch branch({"question"});
  const auto prompt =
      fit_context({.system_prompt = "Be brief.", .tokens_max = 1000}, branch.context.page.messages, "Ana.");
  CHECK_EQ(prompt.size(), size_t{2});
  CHECK_EQ(prompt[0].content, "Be brief.\n\nThe conversation began earlier. Your notes of that part:\nAna.");
  CHECK(prompt[0].role == upstream::Role::system);
  const auto alone = fit_context({.tokens_max = 1000}, branch.context.page.messages, std::string(50'000, 'n'));
  CHECK(alone[0].content.size() < 1000);
}

}  // namespace
}  // namespace bobbin::chat
