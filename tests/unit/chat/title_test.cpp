#include "src/chat/title.h"
#include "src/chat/reply.h"

#include "src/base/limits.h"
#include "src/base/text.h"
#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

std::string cleaned(std::string_view reply) { return clean_title(reply).value_or("(none)"); }

}  // namespace

TEST_CASE(a_plain_title_is_taken_as_it_is) {
  CHECK_EQ(cleaned("Planning a trip"), "Planning a trip");
  CHECK_EQ(cleaned("  Planning a trip \n"), "Planning a trip");
  CHECK_EQ(cleaned("日本への旅行"), "日本への旅行");
  CHECK_EQ(cleaned("C++ and C#"), "C++ and C#");
  CHECK_EQ(cleaned("-5 degrees"), "-5 degrees");
  CHECK_EQ(cleaned("#hashtag habits"), "#hashtag habits");
}

TEST_CASE(quotes_and_marks_go_off_the_ends) {
  for (const char* reply : {"\"Planning a trip\"",
                            "'Planning a trip'",
                            "**Planning a trip**",
                            "# Planning a trip",
                            "### *Planning a trip*",
                            "“Planning a trip”",
                            "„Planning a trip“",
                            "«Planning a trip»",
                            "「Planning a trip」",
                            "`Planning a trip`",
                            "> Planning a trip",
                            "- Planning a trip",
                            "**\"Planning a trip\"**",
                            "Title: Planning a trip",
                            "**Title:** Planning a trip",
                            "**Title**: \"Planning a trip\"",
                            "# TITLE: __Planning a trip__",
                            "\"Planning a trip",
                            "Planning a trip\"",
                            "**Planning a trip"}) {
    CHECK_EQ(cleaned(reply), "Planning a trip");
  }
}

TEST_CASE(what_belongs_to_the_title_stays) {
  CHECK_EQ(cleaned("\"Yes\" and \"no\""), "\"Yes\" and \"no\"");
  CHECK_EQ(cleaned("The *best* trip"), "The *best* trip");
  CHECK_EQ(cleaned("Using `git rebase` and `git merge`"), "Using `git rebase` and `git merge`");
  CHECK_EQ(cleaned("Title page design"), "Title page design");
  CHECK_EQ(cleaned("The Beatles' albums"), "The Beatles' albums");
}

TEST_CASE(only_the_first_line_counts) {
  CHECK_EQ(cleaned("\n\nPlanning a trip\nHere is why I chose it."), "Planning a trip");
  CHECK_EQ(cleaned("Planning\ta\r\ntrip"), "Planning a");
}

TEST_CASE(control_characters_go_out) {
  CHECK_EQ(cleaned("Plan\x01\x1b[31mning"), "Plan [31mning");
  CHECK(
      !has_control_characters(cleaned("a\x7f"
                                      "b\xc2\x85"
                                      "c")));
}

TEST_CASE(thoughts_before_it_are_not_the_title) {
  CHECK_EQ(cleaned("<think>\nWhat could it be?\n</think>\n\nPlanning a trip"), "Planning a trip");
  CHECK_EQ(cleaned("<think></think>Planning a trip"), "Planning a trip");
  CHECK_EQ(cleaned("<think>and so on"), "(none)");
}

TEST_CASE(nothing_is_no_title) {
  for (const char* reply : {"", " \n ", "\"\"", "**", "...", "# ", "Title:", "----"}) {
    CHECK_EQ(cleaned(reply), "(none)");
  }
}

TEST_CASE(a_long_line_is_cut_between_graphemes_and_an_answer_is_no_title) {
  const std::string family = "👨‍👩‍👧";
  std::string line;
  for (int i = 0; i < 20; ++i) line += family;
  CHECK_EQ(cleaned(line), line);
  std::string words;
  while (words.size() < 200) words += "word ";
  CHECK_EQ(cleaned(words), words.substr(0, limits::kTitleGraphemesMax) + "...");
  CHECK_EQ(cleaned(std::string(513, 'x')), "(none)");
}

TEST_CASE(a_reply_is_enough_after_its_first_line_or_when_it_is_none) {
  CHECK(!is_reply_enough(""));
  CHECK(!is_reply_enough("\n\n"));
  CHECK(!is_reply_enough("Planning"));
  CHECK(is_reply_enough("Planning\n"));
  CHECK(is_reply_enough(std::string(513, 'x')));
  CHECK(!is_reply_enough("<think>\nlong\n"));
  CHECK(!is_reply_enough("<think>\nlong\n</think>\nPlan"));
  CHECK(is_reply_enough("<think>\nlong\n</think>\nPlan\n"));
  CHECK(is_reply_enough("<think>" + std::string(17 * 1024, 'x')));
}

TEST_CASE(the_model_is_shown_the_beginning_of_both_in_whole_characters) {
  std::string question;
  while (question.size() < 3000) question += "ä";
  const upstream::Prompt prompt = title_prompt("m", question, "x" + question);
  CHECK_EQ(prompt.model, "m");
  CHECK(prompt.is_aside && prompt.tools.empty());
  CHECK_EQ(prompt.messages.size(), size_t{2});
  CHECK(prompt.messages[0].role == upstream::Role::system && prompt.messages[1].role == upstream::Role::user);
  const std::string& shown = prompt.messages[1].content;
  CHECK(is_utf8(shown));
  CHECK(shown.size() < limits::kTitleQuestionBytesMax + limits::kTitleAnswerBytesMax + 128);
  CHECK(title_prompt("", "why?", "").messages[1].content.find("Answer:") == std::string::npos);
  CHECK_EQ(begin_of("aä", 2), "a");
  CHECK_EQ(begin_of("aä", 3), "aä");
}

}  // namespace bobbin::chat
