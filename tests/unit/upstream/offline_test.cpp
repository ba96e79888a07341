#include "src/base/text.h"
#include "src/loop/spawn.h"
#include "src/upstream/offline_answer.h"
#include "src/upstream/offline_model.h"
#include "tests/support/test.h"
#include "tests/unit/upstream/recorder.h"

// The built-in model: the same answer to the same prompt, streamed by a stepped clock.
namespace bobbin::upstream {
namespace {

Prompt prompt_of(std::string_view message) {
  return {.model = "",
          .messages = {
              {Role::system, "s"}, {Role::user, "first"}, {Role::assistant, "a"}, {Role::user, std::string(message)}}};
}

std::string join_pieces(std::string_view text) {
  std::string joined;
  for (size_t at = 0; at < text.size();) {
    const std::string_view piece = next_piece(text, at);
    CHECK(!piece.empty());
    CHECK(is_utf8(piece));
    joined.append(piece);
    at += piece.size();
  }
  CHECK(next_piece(text, text.size()).empty());
  return joined;
}

TEST_CASE(answer_says_what_it_is_and_quotes_the_last_message) {
  const std::string answer = offline_answer(prompt_of("Wie geht's,\nJörg? 🧵"));
  CHECK(answer.find("not a language model") != std::string::npos);
  CHECK(answer.find("--upstream http://127.0.0.1:11434") != std::string::npos);
  CHECK(answer.ends_with("\n> Wie geht's,\n> Jörg? 🧵\n"));
  CHECK_EQ(answer, offline_answer(prompt_of("Wie geht's,\nJörg? 🧵")));
}

TEST_CASE(answer_needs_no_message_and_bounds_a_long_one) {
  CHECK(offline_answer({}).find("You wrote") == std::string::npos);
  CHECK(offline_answer(prompt_of(std::string(256 * 1024, 'x'))).size() < 3'000);
}

TEST_CASE(pieces_are_words_and_lose_nothing) {
  CHECK_EQ(next_piece("one two", 0), "one ");
  CHECK_EQ(next_piece("one two", 4), "two");
  CHECK_EQ(next_piece("  x", 0), "  ");
  std::string cjk;
  for (int i = 0; i < 100; ++i) cjk += "你";
  CHECK(next_piece(cjk, 0).size() <= 24);
  for (const std::string& text :
       {std::string("a b\n\nc"), cjk, std::string(1000, 'x'), offline_answer(prompt_of(cjk)), std::string(" \n\t ")}) {
    CHECK_EQ(join_pieces(text), text);
  }
}

struct Fixture {
  Loop loop{{.manual_clock = true}};
  Gate gate;
  CancelScope scope;
  Recorder recorder;
  OfflineModel model{loop, 4};
  std::optional<Result<Answer>> result;

  Task<void> ask(Prompt prompt) { result = co_await model.stream(std::move(prompt), recorder, scope); }
  void close() {
    loop.close();
    loop.run();
  }
};

TEST_CASE(model_streams_one_piece_in_each_interval) {
  Fixture fixture;
  spawn(fixture.gate, fixture.ask(prompt_of("hello")));
  fixture.loop.advance_ms(3);
  CHECK_EQ(fixture.recorder.deltas.size(), 0u);
  fixture.loop.advance_ms(1);
  CHECK_EQ(fixture.recorder.deltas.size(), 1u);
  fixture.loop.advance_ms(4);
  CHECK_EQ(fixture.recorder.deltas.size(), 2u);
  while (!fixture.result) fixture.loop.advance_ms(4);
  CHECK_EQ(fixture.recorder.text(), offline_answer(prompt_of("hello")));
  CHECK_EQ(CHECK_OK(*fixture.result).finish_reason, "stop");
  CHECK(!fixture.model.state().language_model);
  fixture.close();
}

TEST_CASE(model_stops_when_asked) {
  Fixture fixture;
  spawn(fixture.gate, fixture.ask(prompt_of("hello")));
  fixture.loop.advance_ms(4);
  fixture.scope.request();
  CHECK_FAILS(fixture.result.value(), Code::cancelled);
  CHECK_EQ(fixture.recorder.deltas.size(), 1u);
  fixture.close();
}

}  // namespace
}  // namespace bobbin::upstream
