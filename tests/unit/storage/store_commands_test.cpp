// What each command does and answers, on a real store: turns, the queue, order under a clock that misbehaves.
#include <algorithm>

#include "src/base/limits.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

ThreadSummary summary_of(Fixture& f, const std::string& user, const std::string& thread) {
  const auto summary = CHECK_OK(f.store->find_thread(user, thread, Tier::any));
  CHECK(summary.has_value());
  return *summary;
}

Submit make_submit(const std::string& thread, const std::string& content, OnBusy on_busy = OnBusy::queue) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.content = content;
  command.created_us = fake_wall();
  command.on_busy = on_busy;
  command.options = "options of " + content;
  return command;
}

}  // namespace

TEST_CASE(a_first_submit_makes_the_thread_and_starts) {
  Fixture f;
  const Submitted submitted = CHECK_OK(f.submit(make_submit("t", "hello")));
  CHECK(submitted.state == Submitted::State::started);
  CHECK(submitted.thread_created);
  CHECK(submitted.run.has_value());
  CHECK_EQ(submitted.incarnation, uint64_t{1});
  CHECK_EQ(submitted.run->content, "hello");
  CHECK_EQ(submitted.run->options, "options of hello");
  CHECK_EQ(submitted.run->user_order, static_cast<uint64_t>(kStartUs));
  CHECK_EQ(submitted.run->answer_order, submitted.run->user_order + 1);
  CHECK(uuid_v7_stamp_us(submitted.run->user_message_id) == submitted.run->user_order);
  CHECK(uuid_v7_stamp_us(submitted.run->message_id) == submitted.run->answer_order);
  const ThreadSummary summary = summary_of(f, "u", "t");
  CHECK_EQ(summary.title, "hello");
  CHECK_EQ(summary.preview, "hello");
  CHECK_EQ(summary.message_count, 1u);
  CHECK(summary.active_run == submitted.run->run_id);
  CHECK(f.page("u", "t").active_run == submitted.run->run_id);
}

TEST_CASE(an_answer_is_stored_with_its_reserved_id) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "question").run;
  advance_us(5'000'000);
  FinishRun finish;
  finish.user = "u";
  finish.thread = "t";
  finish.incarnation = run.incarnation;
  finish.run_id = run.run_id;
  finish.terminal_event = "event";
  finish.terminal_event_id = 42;
  finish.answer = Answer{"text", "why", "model", "length", "[1]", Usage{1, 2, 3, 4}, MessageStatus::complete};
  CHECK(std::get<Finished>(CHECK_OK(f.store->execute(finish))).applied);
  const HistoryPage page = f.page("u", "t");
  CHECK_EQ(page.messages.size(), size_t{2});
  const Message answer = page.messages[0].as<std::string>();
  CHECK(answer.id == run.message_id);
  CHECK_EQ(answer.order, run.answer_order);
  CHECK_EQ(answer.created_us, kStartUs + 5'000'000);
  CHECK_EQ(answer.content + answer.reasoning + answer.model + answer.finish_reason + answer.tool_steps,
           "textwhymodellength[1]");
  CHECK(answer.usage == (Usage{1, 2, 3, 4}));
  CHECK(answer.role == Role::assistant && answer.run_id == run.run_id && answer.depth == 2);
  CHECK_EQ(answer.parent_order, page.messages[1].order);
  CHECK(!page.active_run);
  CHECK_EQ(page.message_count, 2u);
  const auto info = CHECK_OK(f.store->find_run("u", "t", run.run_id, Tier::any));
  CHECK(info && info->state == RunState::done && info->terminal_event == "event" && info->terminal_event_id == 42);
  CHECK(info->message_id == run.message_id && info->options.empty());
  CHECK_EQ(summary_of(f, "u", "t").preview, "text");
  CHECK_EQ(CHECK_OK(f.store->unfinished_threads()).size(), size_t{0});
}

TEST_CASE(a_run_without_answer_leaves_the_question) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "one").run;
  CHECK(f.end_without_answer(run, RunOutcome::error).applied);
  f.turn("u", "t", "two", "answer");
  CHECK((f.history("u", "t") == std::vector<std::string>{"one", "two", "answer"}));
  CHECK_EQ(summary_of(f, "u", "t").flags & thread_flags::kBranched, 0u);
  CHECK(CHECK_OK(f.store->find_run("u", "t", run.run_id, Tier::any))->state == RunState::error);
}

TEST_CASE(submits_wait_their_turn_and_start_in_the_finishing_commit) {
  Fixture f;
  const StartedRun first = *f.submit("u", "t", "1").run;
  for (int i = 2; i <= 4; ++i) {
    const Submitted queued = CHECK_OK(f.submit(make_submit("t", std::to_string(i))));
    CHECK(queued.state == Submitted::State::queued);
    CHECK(!queued.run && !queued.thread_created);
    CHECK_EQ(queued.position, static_cast<uint32_t>(i - 1));
    CHECK_EQ(queued.incarnation, first.incarnation);
  }
  CHECK((f.history("u", "t") == std::vector<std::string>{"1"}));
  const auto waiting = CHECK_OK(f.store->read_queue("u", "t", Tier::any));
  CHECK_EQ(waiting.size(), size_t{3});
  CHECK_EQ(waiting[0].content, "2");
  CHECK_EQ(waiting[2].position, 3u);
  const auto info = CHECK_OK(f.store->find_run("u", "t", waiting[1].run_id, Tier::any));
  CHECK(info && info->state == RunState::queued && info->position == 2 && info->options == "options of 3");

  const uint64_t before = f.store->state().last_sequence;
  StartedRun run = *f.finish(first, "a1").next;
  CHECK_EQ(f.store->state().last_sequence, before + 2);
  CHECK_EQ(run.content, "2");
  CHECK_EQ(run.options, "options of 2");
  CHECK_EQ(CHECK_OK(f.store->read_queue("u", "t", Tier::any))[0].position, 1u);
  run = *f.finish(run, "a2").next;
  run = *f.finish(run, "a3").next;
  CHECK(!f.finish(run, "a4").next);
  CHECK((f.history("u", "t", 3) == std::vector<std::string>{"1", "a1", "2", "a2", "3", "a3", "4", "a4"}));
  CHECK_EQ(summary_of(f, "u", "t").message_count, 8u);
}

TEST_CASE(reject_is_busy_and_stores_nothing) {
  Fixture f;
  f.submit("u", "t", "1");
  const uint64_t before = f.store->state().last_sequence;
  CHECK_FAILS(f.submit(make_submit("t", "2", OnBusy::reject)), Code::busy);
  CHECK_EQ(f.store->state().last_sequence, before);
  CHECK(CHECK_OK(f.store->read_queue("u", "t", Tier::any)).empty());
}

TEST_CASE(a_full_queue_stores_nothing) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "0").run;
  for (uint32_t i = 0; i < limits::kThreadQueueMax; ++i) CHECK_OK(f.submit(make_submit("t", "x")));
  const uint64_t before = f.store->state().last_sequence;
  CHECK_FAILS(f.submit(make_submit("t", "y")), Code::queue_full);
  CHECK_EQ(f.store->state().last_sequence, before);
  CHECK_EQ(CHECK_OK(f.store->read_queue("u", "t", Tier::any)).size(), size_t{limits::kThreadQueueMax});
  f.finish(run, "a");
  CHECK_OK(f.submit(make_submit("t", "y")));
}

TEST_CASE(a_cancelled_submit_never_runs_and_is_remembered) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  const Uuid second = run_number(902);
  Submit submit = make_submit("t", "2");
  submit.run_id = second;
  CHECK_OK(f.submit(submit));
  CHECK_OK(f.submit(make_submit("t", "3")));
  const auto cancel = [&](const Uuid& id) {
    return std::get<Cancelled>(CHECK_OK(f.store->execute(CancelQueued{"u", "t", id, "event", 2}))).found;
  };
  CHECK(cancel(second));
  CHECK(!cancel(second));
  CHECK(!cancel(run.run_id));
  CHECK(!std::get<Cancelled>(CHECK_OK(f.store->execute(CancelQueued{"u", "none", second, "", 0}))).found);
  CHECK_EQ(f.finish(run, "a").next->content, "3");
  const auto info = CHECK_OK(f.store->find_run("u", "t", second, Tier::any));
  CHECK(info && info->state == RunState::cancelled && info->terminal_event == "event");
}

TEST_CASE(a_draining_finish_leaves_the_queue_for_start_next) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  f.submit("u", "t", "2");
  CHECK(!f.finish(run, "a", false).next);
  CHECK_EQ(f.submit("u", "t", "3").position, 2u);  // nobody passes those who wait
  const auto unfinished = CHECK_OK(f.store->unfinished_threads());
  CHECK_EQ(unfinished.size(), size_t{1});
  CHECK(!unfinished[0].active && unfinished[0].waiting == 2 && unfinished[0].user == "u" &&
        unfinished[0].thread == "t");
  const auto start = [&](const std::string& thread) {
    return std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"u", thread}))).run;
  };
  CHECK_EQ(start("t")->content, "2");
  CHECK(!start("t"));
  CHECK(!start("unknown"));
}

TEST_CASE(bad_commands_are_refused) {
  Fixture f;
  const std::string long_id(129, 'x');
  Submit submit = make_submit("t", "1");
  submit.user = "";
  CHECK_FAILS(f.submit(submit), Code::invalid);
  submit.user = long_id;
  CHECK_FAILS(f.submit(submit), Code::invalid);
  CHECK_FAILS(f.submit(make_submit("", "1")), Code::invalid);
  CHECK_FAILS(f.submit(make_submit(long_id, "1")), Code::invalid);
  CHECK_FAILS(f.store->execute(make_submit("t", "no run id")), Code::invalid);
  CHECK_FAILS(f.submit(make_submit("t", std::string(kCommandBytesMax + 1, 'x'))), Code::too_large);
  CHECK_FAILS(f.delete_thread("u", long_id), Code::not_found);
  CHECK_FAILS(f.delete_thread("u", "t"), Code::not_found);
  const StartedRun run = *f.submit("u", "t", "1").run;
  submit = make_submit("t", "same run");
  submit.run_id = run.run_id;
  CHECK_FAILS(f.submit(submit), Code::invalid);
  CHECK_EQ(f.store->state().last_sequence, uint64_t{1});
}

TEST_CASE(a_finish_of_another_run_changes_nothing) {
  Fixture f;
  StartedRun run = *f.submit("u", "t", "1").run;
  StartedRun wrong = run;
  wrong.run_id = run_number(999);
  CHECK(!f.finish(wrong, "x").applied);
  wrong = run;
  wrong.thread = "t2";
  CHECK(!f.finish(wrong, "x").applied);
  wrong = run;
  wrong.user = "v";
  CHECK(!f.finish(wrong, "x").applied);
  CHECK(f.finish(run, "a").applied);
  CHECK(!f.finish(run, "again").applied);
  CHECK((f.history("u", "t") == std::vector<std::string>{"1", "a"}));
  CHECK_EQ(f.store->state().last_sequence, uint64_t{2});
}

TEST_CASE(order_holds_when_the_clock_steps_back) {
  Fixture f;
  f.turn("u", "a", "1", "2");
  fake_wall_us -= 3'600'000'000;
  f.turn("u", "b", "1", "2");
  f.turn("u", "a", "3", "4");
  CHECK((f.history("u", "a") == std::vector<std::string>{"1", "2", "3", "4"}));
  CHECK((f.sessions("u") == std::vector<std::string>{"a", "b"}));
  CHECK_EQ(f.page("u", "a").messages[1].created_us, kStartUs - 3'600'000'000);  // shown as the clock said
  f.reopen();
  f.turn("u", "b", "3", "4");
  CHECK((f.sessions("u") == std::vector<std::string>{"b", "a"}));
  CHECK((f.history("u", "b") == std::vector<std::string>{"1", "2", "3", "4"}));
}

TEST_CASE(a_clock_that_jumps_ahead_does_not_drag_the_stamps_along) {
  Fixture f;
  fake_wall_us += int64_t{86'400} * 365 * 1'000'000;
  const StartedRun run = *f.submit("u", "t", "1").run;
  CHECK_EQ(run.user_order, static_cast<uint64_t>(kStartUs));
  f.finish(run, "2");
}

TEST_CASE(turns_in_the_same_microsecond_stay_in_order) {
  Fixture f;
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    f.turn("u", "t", "q" + std::to_string(i), "a" + std::to_string(i));
    expected.push_back("q" + std::to_string(i));
    expected.push_back("a" + std::to_string(i));
  }
  CHECK(f.history("u", "t", 7) == expected);
}

TEST_CASE(title_and_preview_are_one_line_and_cut_between_graphemes) {
  Fixture f;
  std::string flags;
  for (int i = 0; i < 70; ++i) flags += "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA";  // one flag is two code points
  const StartedRun run = *f.submit("u", "t", "a\n\tb\n" + flags).run;
  CHECK_EQ(summary_of(f, "u", "t").title, "a b " + flags.substr(0, 46 * 8) + "...");
  f.finish(run, flags);
  CHECK_EQ(summary_of(f, "u", "t").preview, flags.substr(0, 60 * 8) + "...");
  CHECK_EQ(summary_of(f, "u", "t").title, "a b " + flags.substr(0, 46 * 8) + "...");
}
