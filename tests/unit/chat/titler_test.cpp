// Titles from the model: when it is asked, what comes of its reply, and that nobody waits for it.
#include "src/store/store_op.h"
#include "tests/unit/chat/engine_world.h"

namespace bobbin::chat {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

EngineOptions with(Titles titles, uint32_t timeout_ms = limits::kTitleTimeoutMs) {
  EngineOptions options;
  options.titles = titles;
  options.title_timeout_ms = timeout_ms;
  return options;
}

std::optional<store::ThreadSummary> thread_of(World& world, const std::string& thread = "t") {
  return CHECK_OK(world.store->find_thread("u", thread, store::Tier::any));
}
std::string title_of(World& world) { return thread_of(world).value().title; }

bool asks_for_title(const ScriptedModel::Call& call) { return call.prompt.is_aside; }

// One whole turn.
void turn(World& world, Seen& seen, std::string_view answer = "answer") {
  ScriptedModel::Call& call = world.ask(seen);
  call.say(answer);
  call.end();
  world.run_until([&] { return seen.is_over; });
}

// Until the model is asked for a title.
ScriptedModel::Call& title_call(World& world, size_t calls) {
  world.run_until([&] { return world.model.calls.size() >= calls; });
  CHECK(asks_for_title(*world.model.calls[calls - 1]));
  return *world.model.calls[calls - 1];
}

Task<void> rename(World& world, std::string title) {
  store::StoreOp op(*world.store, world.loop,
                    store::SetTitle{.user = "u", .thread = "t", .incarnation = 0, .title = std::move(title)});
  CHECK_OK(co_await op.run());
}

Task<void> remove(World& world) { CHECK_OK(co_await world.engine->delete_thread("u", "t")); }
Task<void> remove_all(World& world) { CHECK_OK(co_await world.engine->delete_all_threads("u")); }

}  // namespace

TEST_CASE(after_the_first_answer_the_model_names_the_thread) {
  Seen seen;
  World world(with(Titles::after));
  ScriptedModel::Call& call = world.ask(seen);
  call.say("answer");
  world.end_turn();
  CHECK_EQ(world.model.calls.size(), size_t{1});
  call.end();
  world.run_until([&] { return seen.is_over; });
  CHECK(seen.events.back().is_end_stored);
  const size_t told = seen.events.size();
  ScriptedModel::Call& title = title_call(world, 2);
  CHECK(title.prompt.messages[1].content.find("question") != std::string::npos);
  CHECK(title.prompt.messages[1].content.find("answer") != std::string::npos);
  CHECK(title.prompt.tools.empty());
  CHECK_EQ(title_of(world), "question");
  title.say("\"A better");
  title.say(" one\"");
  title.end();
  world.run_until([&] { return title_of(world) == "A better one"; });
  CHECK_EQ(seen.events.size(), told);  // nothing follows the end
  // The next answer asks for no other.
  Seen second;
  turn(world, second);
  CHECK_EQ(world.model.calls.size(), size_t{3});
  CHECK(second.text().find("\"title\"") == std::string::npos);
}

TEST_CASE(during_the_first_answer_the_title_comes_before_its_end_and_is_in_the_log) {
  Seen seen;
  World world(with(Titles::during));
  ScriptedModel::Call& call = world.ask(seen);
  call.say("so ");
  world.end_turn();
  CHECK_EQ(world.model.calls.size(), size_t{1});
  call.say(std::string(limits::kTitleAnswerBytesMax, 'x'));
  ScriptedModel::Call& title = title_call(world, 2);
  title.say("A better one\nand more");
  CHECK(title.is_cancelled);  // its first line is enough
  world.run_until([&] { return seen.text().find(R"({"type":"title")") != std::string::npos; });
  CHECK_EQ(title_of(world), "A better one");
  const Seen::Told told = seen.events.back();
  CHECK_EQ(told.json, R"({"type":"title","thread_id":"t","title":"A better one"})");
  CHECK(told.logged_id >= told.id);
  call.say(" and so on");
  call.end();
  world.run_until([&] { return seen.is_over; });
  for (size_t i = 0; i < seen.events.size(); ++i) CHECK_EQ(seen.events[i].id, i + 1);
  CHECK(seen.events.back().json.starts_with(R"({"type":"done")"));
  CHECK_EQ(world.model.calls.size(), size_t{2});
}

TEST_CASE(a_title_that_comes_late_holds_nothing_up_and_is_kept) {
  Seen seen;
  World world(with(Titles::during));
  ScriptedModel::Call& call = world.ask(seen);
  call.say(std::string(limits::kTitleAnswerBytesMax, 'x'));
  ScriptedModel::Call& title = title_call(world, 2);
  call.end();
  world.run_until([&] { return seen.is_over; });
  const size_t told = seen.events.size();
  CHECK(!title.is_cancelled);
  // Neither does the next message wait.
  Seen second;
  ScriptedModel::Call& next = world.ask(second);
  next.say("second");
  next.end();
  world.run_until([&] { return second.is_over; });
  title.say("A better one");
  title.end();
  world.run_until([&] { return title_of(world) == "A better one"; });
  CHECK_EQ(seen.events.size(), told);
  CHECK_EQ(world.model.calls.size(), size_t{3});
}

TEST_CASE(a_short_answer_is_named_at_its_end) {
  Seen seen;
  World world(with(Titles::during));
  turn(world, seen);
  title_call(world, 2).say("Short\n");
  world.run_until([&] { return title_of(world) == "Short"; });
}

TEST_CASE(switched_off_the_model_is_asked_once) {
  Seen seen;
  World world;
  turn(world, seen, std::string(5000, 'x'));
  Seen second;
  turn(world, second);
  CHECK_EQ(world.model.calls.size(), size_t{2});
  CHECK(!asks_for_title(*world.model.calls[1]));
}

TEST_CASE(a_title_that_fails_or_is_none_changes_nothing_and_is_not_asked_for_again) {
  for (int how = 0; how < 3; ++how) {
    Seen seen;
    World world(with(Titles::after));
    turn(world, seen);
    ScriptedModel::Call& title = title_call(world, 2);
    if (how == 0) title.fail_with(Code::upstream_rejected);
    if (how == 1) title.end();
    if (how == 2) title.say(std::string(5000, 'x'));
    const uint64_t sequence = world.store->state().last_sequence;
    Seen second;
    turn(world, second);
    CHECK_EQ(world.model.calls.size(), size_t{3});
    CHECK_EQ(title_of(world), "question");
    CHECK_EQ(world.store->state().last_sequence, sequence + 2);  // the second turn
  }
}

TEST_CASE(a_model_that_hangs_is_left_at_the_deadline) {
  Seen seen;
  World world(with(Titles::after, 20));
  turn(world, seen);
  ScriptedModel::Call& title = title_call(world, 2);
  title.say("A bet");
  world.run_until([&] { return title.is_cancelled; });
  Seen second;
  turn(world, second);
  CHECK_EQ(title_of(world), "question");
}

TEST_CASE(a_users_title_wins_over_one_in_the_making) {
  Seen seen;
  World world(with(Titles::after));
  turn(world, seen);
  ScriptedModel::Call& title = title_call(world, 2);
  world.run(rename(world, "mine"));
  title.say("A better one\n");
  Seen second;
  turn(world, second);
  CHECK_EQ(title_of(world), "mine");
}

TEST_CASE(a_thread_with_a_title_of_its_own_is_not_asked_about) {
  Seen seen;
  World world(with(Titles::after));
  ScriptedModel::Call& call = world.ask(seen);
  world.run(rename(world, "mine"));
  call.end();
  world.run_until([&] { return seen.is_over; });
  Seen second;
  turn(world, second);
  CHECK_EQ(world.model.calls.size(), size_t{2});
}

TEST_CASE(deletion_cancels_the_title_in_the_making) {
  for (const bool all : {false, true}) {
    Seen seen;
    World world(with(Titles::after));
    turn(world, seen);
    ScriptedModel::Call& title = title_call(world, 2);
    Seen other;
    ScriptedModel::Call& other_call = world.ask(other, "t2");
    other_call.end();
    world.run_until([&] { return other.is_over; });
    ScriptedModel::Call& other_title = title_call(world, 4);
    world.run(all ? remove_all(world) : remove(world));
    CHECK(title.is_cancelled);
    CHECK_EQ(other_title.is_cancelled, all);
    CHECK(!thread_of(world).has_value());
    // Made again, it is another thread with a title of its own.
    Seen again;
    turn(world, again);
    title_call(world, 6).say("Anew\n");
    world.run_until([&] { return title_of(world) == "Anew"; });
  }
}

TEST_CASE(deletion_during_the_answer_cancels_it_as_well) {
  Seen seen;
  World world(with(Titles::during));
  ScriptedModel::Call& call = world.ask(seen);
  call.say(std::string(limits::kTitleAnswerBytesMax, 'x'));
  ScriptedModel::Call& title = title_call(world, 2);
  world.run(remove(world));
  CHECK(call.is_cancelled && title.is_cancelled);
  world.run_until([&] { return seen.is_over; });
}

TEST_CASE(the_end_of_the_process_cancels_it) {
  Seen seen;
  World world(with(Titles::after));
  turn(world, seen);
  ScriptedModel::Call& title = title_call(world, 2);
  world.engine->begin_drain();
  CHECK(title.is_cancelled);
}

TEST_CASE(an_answer_that_did_not_become_complete_names_nothing_and_its_continuation_does) {
  Seen seen;
  World world(with(Titles::during));
  ScriptedModel::Call& call = world.ask(seen);
  call.say(std::string(limits::kTitleAnswerBytesMax, 'x'));
  ScriptedModel::Call& title = title_call(world, 2);
  call.fail_with(Code::upstream_unavailable);
  world.run_until([&] { return seen.is_over; });
  CHECK(title.is_cancelled);
  CHECK_EQ(title_of(world), "question");
  Seen second;
  Submission go_on{.user = "u", .thread = "t", .content = {}, .model = {}};
  go_on.kind = store::SubmitKind::continue_answer;
  world.ask(second, std::move(go_on));
  // What there was is the beginning of the new answer: enough to ask at once.
  ScriptedModel::Call& again = title_call(world, 4);
  ScriptedModel::Call& rest = *world.model.calls[2];
  CHECK(!asks_for_title(rest));
  rest.say("rest");
  CHECK(again.prompt.messages[1].content.find("question") != std::string::npos);
  again.say("A better one\n");
  world.run_until([&] { return title_of(world) == "A better one"; });
  rest.end();
  world.run_until([&] { return second.is_over; });
}

TEST_CASE(temporary_threads_and_the_built_in_answer_are_not_named) {
  Seen seen;
  World world(with(Titles::after));
  Submission temporary{.user = "u", .thread = "t", .content = "question", .model = {}};
  temporary.keep_s = 3600;
  world.ask(seen, std::move(temporary)).end();
  world.run_until([&] { return seen.is_over; });
  world.model.is_language_model = false;
  Seen other;
  world.ask(other, "t2").end();
  world.run_until([&] { return other.is_over; });
  Seen second;
  turn(world, second);
  CHECK_EQ(world.model.calls.size(), size_t{3});
}

TEST_CASE(a_request_for_a_model_asks_that_one_for_the_title) {
  Seen seen;
  World world(with(Titles::after));
  world.ask(seen, Submission{.user = "u", .thread = "t", .content = "question", .model = "m7"}).end();
  CHECK_EQ(title_call(world, 2).prompt.model, "m7");
}

}  // namespace bobbin::chat
