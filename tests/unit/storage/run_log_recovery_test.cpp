// What a process that died had logged of its runs is their answer when the next one opens the store.
#include "src/base/text.h"
#include "storage/run_log_format.h"
#include "tests/unit/storage/run_log_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

using Strings = std::vector<std::string>;

std::string log_directory(const Fixture& f) { return f.directory.path() + "/data/runlog"; }

void log_start_and(Fixture& f, const Uuid& run_id, const Strings& tokens) {
  const auto writer = f.store->run_log().make_writer();
  uint64_t id = 0;
  writer->append(run_id, ++id, RunLogKind::event, "{\"type\":\"start\"}");
  for (const std::string& token : tokens) writer->append(run_id, ++id, RunLogKind::token, token);
  CHECK_OK(writer->flush());
}

RunInfo info_of(Fixture& f, const StartedRun& run) {
  return *CHECK_OK(f.store->find_run(run.user, run.thread, run.run_id, Tier::any));
}

}  // namespace

TEST_CASE(every_logged_token_of_an_unfinished_run_is_in_its_answer) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  const StartedRun silent = *f.submit("u", "t2", "1").run;
  const StartedRun unknown = *f.submit("u", "t3", "1").run;
  {
    const auto writer = f.store->run_log().make_writer();
    writer->append(run.run_id, 0, RunLogKind::model, "m");
    writer->append(run.run_id, 1, RunLogKind::event, "{}");
    writer->append(silent.run_id, 1, RunLogKind::event, "{}");
    writer->append(run.run_id, 2, RunLogKind::reasoning, "r");
    writer->append(run.run_id, 3, RunLogKind::token, "so ");
    CHECK_OK(writer->flush());
    writer->append(run.run_id, 4, RunLogKind::token, "far");
    CHECK_OK(writer->flush());
    writer->append(run.run_id, 5, RunLogKind::token, " and never written");
  }
  f.reopen();
  const HistoryPage page = f.page("u", "t");
  CHECK_EQ(page.messages.size(), size_t{2});
  const Message answer = page.messages[0].as<std::string>();
  CHECK(answer.id == run.message_id && answer.status == MessageStatus::interrupted);
  CHECK_EQ(answer.content + "|" + answer.reasoning + "|" + answer.model, "so far|r|m");
  CHECK_EQ(info_of(f, run).terminal_event_id, uint64_t{5});
  CHECK(info_of(f, run).terminal_event.find(run.message_id.to_string()) != std::string::npos);
  CHECK((f.history("u", "t2") == Strings{"1"}));
  CHECK_EQ(info_of(f, silent).terminal_event_id, uint64_t{2});
  CHECK_EQ(info_of(f, unknown).terminal_event_id, uint64_t{2});
  // The events stay, for clients that come back.
  CHECK_EQ(CHECK_OK(f.store->run_log().read_events(run.run_id, 2, 9, 999)).events.size(), size_t{2});
}

TEST_CASE(where_the_finishing_commit_is_there_the_log_changes_nothing) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, {"the ", "log's"});
  f.finish(run, "the commit's");
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "the commit's"}));
  CHECK(info_of(f, run).state == RunState::done && info_of(f, run).terminal_event_id == 7);
}

TEST_CASE(recovering_twice_is_recovering_once) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, {"a"});
  f.reopen();
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "a"}));
  std::filesystem::remove_all(log_directory(f));
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "a"}));
}

TEST_CASE(many_runs_in_many_segments_each_get_their_own_text) {
  Fixture f;
  std::vector<StartedRun> runs;
  runs.reserve(20);
  for (int i = 0; i < 20; ++i) runs.push_back(*f.submit("u", "t" + std::to_string(i), "q").run);
  for (int round = 0; round < 3; ++round) {
    const auto writer = f.store->run_log().make_writer();  // a segment of its own
    for (size_t i = 0; i < runs.size(); ++i) {
      writer->append(runs[i].run_id, static_cast<uint64_t>(round) + 1, RunLogKind::token,
                     std::to_string(i) + "." + std::to_string(round) + " ");
    }
    CHECK_OK(writer->flush());
  }
  f.reopen();
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string n = std::to_string(i);
    std::string expected;
    for (const char* round : {".0 ", ".1 ", ".2 "}) expected.append(n).append(round);
    CHECK(f.history("u", "t" + n)[1] == expected);
  }
}

TEST_CASE(a_torn_log_gives_a_prefix_and_the_store_opens) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, {"one ", "two ", "three"});
  f.store.reset();
  const std::string path = log_directory(f) + "/0000000000000001.log";
  const std::string bytes = read_file(path);
  write_file(path, std::string_view(bytes).substr(0, bytes.size() - 1));
  f.open();
  CHECK((f.history("u", "t") == Strings{"1", "one two "}));
  CHECK_EQ(info_of(f, run).terminal_event_id, uint64_t{4});
}

TEST_CASE(bytes_that_are_not_utf8_do_not_become_a_message) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, {"good ", "\xc3", " good"});
  f.reopen();
  CHECK(is_utf8(f.history("u", "t")[1]));
  CHECK_EQ(f.history("u", "t")[1], "good \xef\xbf\xbd good");
}

TEST_CASE(a_run_that_said_more_than_a_command_may_hold_does_not_keep_the_store_from_opening) {
  Fixture f;
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, Strings(17, std::string(1 << 20, 'x')));
  f.reopen();
  CHECK_EQ(f.page("u", "t").messages[0].content.size(), kCommandBytesMax);
}

TEST_CASE(segments_from_before_a_run_are_not_read_for_it) {
  Fixture f;
  f.store.reset();
  // A directory in the place of a file: listing it works, reading it is an error.
  const std::string old = log_directory(f) + "/0000000000000001.log";
  std::filesystem::create_directory(old);
  f.open();  // no run is unfinished
  fake_wall_us = wall_now_us() + int64_t{3600} * 1'000'000;
  const StartedRun run = *f.submit("u", "t", "1").run;
  {
    const auto writer = f.store->run_log().make_writer();
    writer->append(run.run_id, 1, RunLogKind::token, "x");
    CHECK_OK(writer->flush());
  }
  f.store.reset();
  std::filesystem::last_write_time(log_directory(f) + "/0000000000000002.log",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  f.open();
  CHECK((f.history("u", "t") == Strings{"1", "x"}));
}

TEST_CASE(a_clock_that_was_set_back_during_a_run_costs_no_text) {
  Fixture f;
  fake_wall_us = wall_now_us() + int64_t{24} * 3600 * 1'000'000;  // the run begins tomorrow, its segment is of today
  const StartedRun run = *f.submit("u", "t", "1").run;
  log_start_and(f, run.run_id, {"x"});
  f.reopen();
  CHECK((f.history("u", "t") == Strings{"1", "x"}));
}
