// What a run says is in the run log before anybody has it, and leaves in the turn in which it was said; its end is in
// the store before. A real engine, store and log; only the model's words are scripted, and the disk where it fails.
#include "src/base/metrics.h"
#include "tests/unit/chat/engine_world.h"

namespace bobbin::chat {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

store::Message newest_message(World& world) {
  return CHECK_OK(world.store->read_history(
                      {.user = "u", .thread = "t", .limit = 1, .bytes_max = 1 << 20, .cursor = {}}, store::Tier::any))
      .messages[0]
      .as<std::string>();
}

}  // namespace

TEST_CASE(every_event_is_in_the_log_before_it_is_sent_and_leaves_in_its_turn) {
  Seen seen;
  World world;
  ScriptedModel::Call& call = world.ask(seen);
  CHECK_EQ(seen.events.size(), size_t{1});
  for (int turn = 0; turn < 3; ++turn) {
    const size_t before = seen.events.size();
    call.say("a ");
    call.say("\"b\" ");
    CHECK_EQ(seen.events.size(), before);
    world.end_turn();
    CHECK_EQ(seen.events.size(), before + 2);
  }
  call.end();
  world.run_until([&] { return seen.is_over; });
  CHECK_EQ(seen.events.size(), size_t{8});
  for (size_t i = 0; i < seen.events.size(); ++i) {
    const Seen::Told& told = seen.events[i];
    CHECK_EQ(told.id, i + 1);
    const bool is_end = i + 1 == seen.events.size();
    CHECK_EQ(told.logged_id >= told.id, !is_end);
    CHECK_EQ(told.is_end_stored, is_end);
  }
  CHECK_EQ(seen.events[1].json, R"({"type":"token","content":"a "})");
  CHECK_EQ(seen.events[2].json, R"({"type":"token","content":"\"b\" "})");
  CHECK_EQ(newest_message(world).content, R"(a "b" a "b" a "b" )");
  // The log has the text as it is, and ends where the store's end begins.
  const auto logged = CHECK_OK(world.store->run_log().read_events(seen.run_id, 0, 100, 1000));
  CHECK_EQ(logged.last_id, uint64_t{7});
  CHECK(logged.events[0].kind == store::RunLogKind::event && logged.events[0].bytes == seen.events[0].json);
  CHECK(logged.events[2].kind == store::RunLogKind::token && logged.events[2].bytes == "\"b\" ");
}

TEST_CASE(what_all_runs_say_in_one_turn_is_one_write) {
  Seen seen[3];
  World world;
  ScriptedModel::Call* calls[3];
  for (size_t i = 0; i < 3; ++i) calls[i] = &world.ask(seen[i], "t" + std::to_string(i));
  const uint64_t before = metrics::read(metrics::Counter::run_log_writes);
  for (int round = 0; round < 2; ++round) {
    for (ScriptedModel::Call* call : calls) call->say("x");
  }
  world.end_turn();
  for (const Seen& one : seen) CHECK_EQ(one.events.size(), size_t{3});
  CHECK_EQ(metrics::read(metrics::Counter::run_log_writes), before + 1);
}

TEST_CASE(text_of_the_turn_in_which_the_answer_ends_is_logged_before_the_end_is_stored) {
  Seen seen;
  World world;
  ScriptedModel::Call& call = world.ask(seen);
  call.say("last");
  call.end();
  world.run_until([&] { return seen.is_over; });
  CHECK_EQ(seen.events.size(), size_t{3});
  CHECK(seen.events[1].json.find("last") != std::string::npos);
  CHECK(seen.events[2].id == 3 && seen.events[2].is_end_stored);
}

TEST_CASE(a_full_disk_ends_the_run_with_an_error_and_the_next_run_works) {
  Seen seen;
  Seen again;
  World world;
  ScriptedModel::Call& call = world.ask(seen);
  call.say("kept ");
  world.end_turn();
  world.disk.room = 20;
  call.say("never sent");
  world.run_until([&] { return seen.is_over; });
  CHECK(seen.text().find("never sent") == std::string::npos);
  CHECK_EQ(seen.events.size(), size_t{3});
  CHECK_EQ(seen.events[2].id, uint64_t{3});
  CHECK(seen.events[2].json.find(R"("code":"storage_full")") != std::string::npos);
  CHECK(seen.events[2].is_end_stored);
  const store::Message kept = newest_message(world);
  CHECK(kept.status == store::MessageStatus::failed && kept.content == "kept ");
  CHECK_EQ(fatal_calls.load(), 0);
  world.disk.room = INT64_MAX;
  ScriptedModel::Call& next = world.ask(again);
  next.say("works");
  next.end();
  world.run_until([&] { return again.is_over; });
  CHECK_EQ(newest_message(world).content, "works");
}

TEST_CASE(a_disk_that_fails_ends_every_run_of_the_turn_and_sends_nothing_of_it) {
  Seen seen[2];
  World world;
  ScriptedModel::Call* calls[2];
  for (size_t i = 0; i < 2; ++i) calls[i] = &world.ask(seen[i], "t" + std::to_string(i));
  world.disk.write_error = rocksdb::IOStatus::IOError("broken");
  world.disk.room = 0;
  for (ScriptedModel::Call* call : calls) call->say("never sent");
  world.run_until([&] { return seen[0].is_over && seen[1].is_over; });
  for (const Seen& one : seen) {
    CHECK(one.text().find("never sent") == std::string::npos);
    CHECK(one.events.back().json.find(R"("type":"error")") != std::string::npos);
  }
  world.store->close();  // after it the writer has told
  CHECK_EQ(fatal_calls.load(), 1);
}

TEST_CASE(events_behind_the_gate_are_logged_and_wait) {
  Seen seen;
  World world;
  const auto writer = world.store->run_log().make_writer();
  Outbox outbox(world.loop, *writer);
  Run run(outbox, store::test::run_number(7), "u", "t");
  run.attach(std::make_unique<Recorder>(*world.store, seen), {});
  run.publish(R"({"type":"start"})");
  run.publish_token("a");
  world.end_turn();
  run.publish_reasoning("b");
  world.end_turn();
  CHECK(seen.events.empty());
  CHECK_EQ(CHECK_OK(world.store->run_log().read_events(store::test::run_number(7), 0, 9, 99)).last_id, uint64_t{3});
  run.publish_token("c");  // in the turn in which it opens: not logged yet
  run.open_gate();
  CHECK(seen.events.empty());
  world.end_turn();
  CHECK_EQ(seen.events.size(), size_t{4});
  CHECK_EQ(seen.text(), R"({"type":"start"})"
                        "\n"
                        R"({"type":"token","content":"a"})"
                        "\n"
                        R"({"type":"reasoning","content":"b"})"
                        "\n"
                        R"({"type":"token","content":"c"})"
                        "\n");
  run.end_streams();
  CHECK(seen.is_over);
}

}  // namespace bobbin::chat
