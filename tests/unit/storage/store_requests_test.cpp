// Named requests, interrupts and continuations, on a real store.
#include "storage/verify.h"
#include "tests/unit/storage/store_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Strings = std::vector<std::string>;

Submit named(const std::string& thread, const std::string& key, uint8_t hash = 1) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.content = "question";
  command.request.key = key;
  command.request.hash.fill(hash);
  return command;
}

Submit continuation(const std::string& thread) {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.kind = SubmitKind::continue_answer;
  return command;
}

FinishRun finish(const StartedRun& run, std::optional<std::string> text, MessageStatus status) {
  FinishRun command;
  command.user = run.user;
  command.thread = run.thread;
  command.incarnation = run.incarnation;
  command.run_id = run.run_id;
  if (text)
    command.answer = Answer{.content = *text,
                            .reasoning = {},
                            .model = {},
                            .finish_reason = {},
                            .tool_steps = {},
                            .usage = {},
                            .status = status};
  command.terminal_event = "end";
  command.terminal_event_id = 9;
  return command;
}

Finished end(Fixture& f, const StartedRun& run, std::optional<std::string> text, MessageStatus status) {
  return std::get<Finished>(CHECK_OK(f.store->execute(finish(run, std::move(text), status))));
}

void check_verifies(Fixture& f) {
  Watch watch;
  const VerifyReport report = CHECK_OK(f.store->verify({}, watch));
  for (const Problem& problem : report.problems) std::fprintf(stderr, "%s\n", problem.what.c_str());
  CHECK(report.is_clean());
}

}  // namespace

TEST_CASE(a_named_request_is_joined_and_changes_nothing) {
  Fixture f;
  const Submitted first = CHECK_OK(f.submit(named("t", "key")));
  const uint64_t sequence = f.store->state().last_sequence;
  for (int i = 0; i < 3; ++i) {
    const Submitted again = CHECK_OK(f.submit(named("made for this try", "key")));
    CHECK(again.state == Submitted::State::joined);
    CHECK_EQ(again.thread, "t");
    CHECK(again.run_id == first.run->run_id);
    if (i == 1) f.reopen();
  }
  CHECK(f.store->state().last_sequence <= sequence + 1);  // the run that opening ended
  CHECK((f.sessions("u") == Strings{"t"}));
  CHECK_FAILS(f.submit(named("t", "key", 2)), Code::idempotency_mismatch);
  CHECK(CHECK_OK(f.submit(named("t", "another", 2))).state == Submitted::State::started);
  check_verifies(f);
}

TEST_CASE(two_of_a_name_in_one_group_are_one) {
  Fixture f;
  // Both wait for the writer while it is busy with the first.
  std::vector<std::thread> threads;
  std::atomic<int> started{0};
  std::atomic<int> joined{0};
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      Submit command = named("t" + std::to_string(i), "key");
      command.run_id = make_uuid_v4();
      const Submitted submitted = std::get<Submitted>(CHECK_OK(f.store->execute(std::move(command))));
      ++(submitted.state == Submitted::State::joined ? joined : started);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(started.load(), 1);
  CHECK_EQ(joined.load(), 15);
  CHECK_EQ(f.sessions("u").size(), size_t{1});
}

TEST_CASE(a_name_is_good_for_a_day_and_then_removed) {
  Fixture f;
  end(f, *CHECK_OK(f.submit(named("t", "key"))).run, "answer", MessageStatus::complete);
  advance_us(kRequestKeptUs - 1);
  CHECK(CHECK_OK(f.submit(named("t", "key"))).state == Submitted::State::joined);
  advance_us(1);
  // Not removed yet, and of no use any more: the same name is another request.
  const Submitted again = CHECK_OK(f.submit(named("t", "key", 2)));
  CHECK(again.state == Submitted::State::started);
  CHECK_OK(f.store->keep_house());
  CHECK(CHECK_OK(f.submit(named("t", "key", 2))).state == Submitted::State::joined);
  advance_us(kRequestKeptUs);
  CHECK_OK(f.store->keep_house());
  CHECK(CHECK_OK(f.submit(named("t", "key", 3))).state == Submitted::State::queued);
}

TEST_CASE(a_name_whose_thread_was_deleted_is_gone_also_when_the_thread_is_there_again) {
  Fixture f;
  CHECK_OK(f.submit(named("t", "key")));
  CHECK_OK(f.delete_thread("u", "t"));
  CHECK_FAILS(f.submit(named("t", "key")), Code::gone);
  CHECK_OK(f.submit(named("t", "another")));
  CHECK_FAILS(f.submit(named("t", "key")), Code::gone);
  CHECK_FAILS(f.submit(named("t", std::string(129, 'k'))), Code::invalid);
}

TEST_CASE(a_refused_request_leaves_its_name_free) {
  Fixture f;
  CHECK_OK(f.submit(named("t", "first")));
  Submit refused = named("t", "key");
  refused.on_busy = OnBusy::reject;
  CHECK_FAILS(f.submit(refused), Code::busy);
  CHECK(CHECK_OK(f.submit(named("t", "key"))).state == Submitted::State::queued);
}

TEST_CASE(interrupts_go_before_all_that_wait_the_newest_first_also_after_a_restart) {
  Fixture f;
  const StartedRun active = *CHECK_OK(f.submit(named("t", ""))).run;
  const auto submit = [&](const std::string& text, OnBusy on_busy) {
    Submit command = named("t", "");
    command.content = text;
    command.on_busy = on_busy;
    return CHECK_OK(f.submit(std::move(command)));
  };
  CHECK_EQ(submit("a", OnBusy::queue).position, 1u);
  CHECK_EQ(submit("b", OnBusy::queue).position, 2u);
  const Submitted urgent = submit("c", OnBusy::interrupt);
  CHECK_EQ(urgent.position, 1u);
  CHECK(urgent.active_run == active.run_id);
  CHECK_EQ(submit("d", OnBusy::interrupt).position, 1u);
  CHECK_EQ(submit("e", OnBusy::queue).position, 5u);
  const auto waiting = [&] {
    Strings contents;
    for (const QueuedSubmit& one : CHECK_OK(f.store->read_queue("u", "t", Tier::any))) contents.push_back(one.content);
    return contents;
  };
  CHECK((waiting() == Strings{"d", "c", "a", "b", "e"}));
  check_verifies(f);
  std::optional<StartedRun> next = end(f, active, "answer", MessageStatus::stopped).next;
  CHECK_EQ(next->content, "d");
  check_verifies(f);
  f.reopen();  // d is interrupted
  CHECK((waiting() == Strings{"c", "a", "b", "e"}));
  check_verifies(f);
  next = std::get<StartedNext>(CHECK_OK(f.store->execute(StartNext{"u", "t"}))).run;
  for (const char* expected : {"c", "a", "b", "e"}) {
    CHECK_EQ(next->content, expected);
    next = end(f, *next, "answer", MessageStatus::complete).next;
  }
  CHECK(!next.has_value());
  check_verifies(f);
}

TEST_CASE(a_continuation_stands_beside_what_it_continues_and_becomes_the_answer) {
  Fixture f;
  const StartedRun first = *CHECK_OK(f.submit(named("t", ""))).run;
  CHECK_FAILS(f.submit(continuation("t")), Code::busy);
  end(f, first, "begun", MessageStatus::stopped);
  const StartedRun second = *CHECK_OK(f.submit(continuation("t"))).run;
  CHECK(second.kind == SubmitKind::continue_answer);
  CHECK(second.user_message_id == first.user_message_id && second.message_id != first.message_id);
  CHECK_EQ(second.parent_order, first.answer_order);
  CHECK_EQ(second.user_order, first.user_order);
  CHECK((f.history("u", "t") == Strings{"question", "begun"}));  // until there is something else
  end(f, second, "begun, ended", MessageStatus::complete);
  CHECK((f.history("u", "t") == Strings{"question", "begun, ended"}));
  CHECK_EQ(f.page("u", "t").message_count, 2u);
  CHECK_FAILS(f.submit(continuation("t")), Code::invalid);
  f.turn("u", "t", "q2", "a2");
  CHECK((f.history("u", "t") == Strings{"question", "begun, ended", "q2", "a2"}));
  check_verifies(f);
}

TEST_CASE(a_continuation_that_says_nothing_leaves_what_was_there) {
  Fixture f;
  end(f, *CHECK_OK(f.submit(named("t", ""))).run, "begun", MessageStatus::interrupted);
  const StartedRun second = *CHECK_OK(f.submit(continuation("t"))).run;
  end(f, second, std::nullopt, MessageStatus::stopped);
  CHECK((f.history("u", "t") == Strings{"question", "begun"}));
  CHECK_OK(f.submit(continuation("t")));
  f.reopen();  // dies with its process
  CHECK((f.history("u", "t") == Strings{"question", "begun"}));
  check_verifies(f);
}

TEST_CASE(a_question_without_an_answer_is_answered) {
  Fixture f;
  end(f, *CHECK_OK(f.submit(named("t", ""))).run, std::nullopt, MessageStatus::failed);
  const StartedRun second = *CHECK_OK(f.submit(continuation("t"))).run;
  CHECK_EQ(second.parent_order, second.user_order);
  end(f, second, "answer", MessageStatus::complete);
  CHECK((f.history("u", "t") == Strings{"question", "answer"}));
  CHECK_FAILS(f.submit(continuation("none")), Code::not_found);
  Submit wrong = continuation("t");
  wrong.parent = second.message_id;
  CHECK_FAILS(f.submit(wrong), Code::invalid);
  check_verifies(f);
}
