// The run log as a whole: what is written can be read, by this process and the next; segments begin and go in time;
// deleted text goes when an erasure asks. Real files, stepped clocks.
#include <sys/stat.h>

#include <thread>

#include "storage/run_log_format.h"
#include "tests/unit/storage/run_log_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

const Uuid kRun = run_number(1);
const Uuid kOther = run_number(2);
constexpr int64_t kMinuteUs = 60'000'000;

// Whether any file of the log has `text`.
bool is_on_disk(const LogFixture& f, const std::string& text) {
  for (const std::string& name : f.segments()) {
    if (read_file(f.path_of(name)).find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE(nothing_is_written_before_the_flush_and_one_flush_is_one_piece_of_the_file) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  writer->append(kRun, 1, RunLogKind::event, "{}");
  writer->append(kRun, 2, RunLogKind::token, "a");
  writer->append(kOther, 1, RunLogKind::reasoning, "b");
  CHECK(writer->has_unflushed());
  CHECK(f.segments().empty());
  CHECK_OK(writer->flush());
  CHECK(!writer->has_unflushed());
  CHECK((f.segments() == std::vector<std::string>{"0000000000000001.log"}));
  std::string expected;
  append_segment_head(expected, 1, kStartUs);
  append_frame(expected, {.kind = RunLogKind::event, .run_id = kRun, .event_id = 1, .bytes = "{}"});
  append_frame(expected, {.kind = RunLogKind::token, .run_id = kRun, .event_id = 2, .bytes = "a"});
  append_frame(expected, {.kind = RunLogKind::reasoning, .run_id = kOther, .event_id = 1, .bytes = "b"});
  CHECK(read_file(f.path_of(f.segments()[0])) == expected);
  CHECK_OK(writer->flush());  // nothing to do
  CHECK(read_file(f.path_of(f.segments()[0])) == expected);
}

TEST_CASE(files_are_for_their_owner_only) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  say(*writer, kRun, 1, "a");
  struct stat found {};
  CHECK_EQ(stat(f.options.directory.c_str(), &found), 0);
  CHECK_EQ(found.st_mode & 0777u, 0700u);
  CHECK_EQ(stat(f.path_of(f.segments()[0]).c_str(), &found), 0);
  CHECK_EQ(found.st_mode & 0777u, 0600u);
}

TEST_CASE(events_are_read_back_in_order_after_any_of_them) {
  LogFixture f({.segment_bytes_max = 200});
  const auto writer = f.log->make_writer();
  for (uint64_t id = 1; id <= 50; ++id) {
    writer->append(kRun, id, id % 3 == 0 ? RunLogKind::event : RunLogKind::token, std::to_string(id));
    writer->append(kOther, id, RunLogKind::token, "other");
    if (id == 7) writer->append(kRun, 0, RunLogKind::model, "m");
    CHECK_OK(writer->flush());
  }
  CHECK(f.segments().size() > 10);
  for (int opening = 0; opening < 2; ++opening) {
    for (uint64_t after = 0; after <= 51; ++after) {
      const LoggedEvents got = f.events(kRun, after);
      CHECK(got.first_id == 1 && got.last_id == 50 && !got.limited);
      CHECK_EQ(got.events.size(), after < 50 ? 50 - after : 0);
      for (size_t i = 0; i < got.events.size(); ++i) {
        CHECK_EQ(got.events[i].id, after + 1 + i);
        CHECK_EQ(got.events[i].bytes, std::to_string(got.events[i].id));
        CHECK(got.events[i].kind == (got.events[i].id % 3 == 0 ? RunLogKind::event : RunLogKind::token));
      }
    }
    if (opening == 0) f.options.segment_bytes_max = 100;
  }
}

TEST_CASE(a_page_of_events_ends_at_its_bounds_and_says_that_more_follow) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  for (uint64_t id = 1; id <= 10; ++id) say(*writer, kRun, id, "12345");
  LoggedEvents page = f.events(kRun, 2, 3);
  CHECK(page.limited && page.events.size() == 3 && page.events[0].id == 3 && page.last_id == 10);
  page = f.events(kRun, 0, 100, 14);
  CHECK(page.limited && page.events.size() == 2);
  page = f.events(kRun, 0, 100, 1);
  CHECK(page.limited && page.events.size() == 1);
  page = f.events(kRun, 7, 3);
  CHECK(!page.limited && page.events.size() == 3);
}

TEST_CASE(a_run_that_the_log_does_not_know_is_nothing) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  say(*writer, kOther, 1, "x");
  const LoggedEvents got = f.events(kRun);
  CHECK(got.events.empty() && got.first_id == 0 && got.last_id == 0);
  CHECK(!f.run(kRun));
}

TEST_CASE(a_run_has_its_text_its_model_its_newest_tool_steps_and_its_last_id) {
  LogFixture f;
  {
    const auto writer = f.log->make_writer();
    writer->append(kRun, 0, RunLogKind::model, "m1");
    writer->append(kRun, 1, RunLogKind::event, "{\"type\":\"start\"}");
    writer->append(kRun, 2, RunLogKind::reasoning, "hm ");
    writer->append(kRun, 3, RunLogKind::token, "one ");
    writer->append(kRun, 0, RunLogKind::tool_steps, "[1]");
    writer->append(kRun, 0, RunLogKind::tool_steps, "[1,2]");
    writer->append(kRun, 4, RunLogKind::reasoning, "ah");
    writer->append(kRun, 5, RunLogKind::token, "two");
    writer->append(kRun, 6, RunLogKind::event, "{\"type\":\"status\"}");
    CHECK_OK(writer->flush());
  }
  f.reopen();
  const LoggedRun run = *f.run(kRun);
  CHECK_EQ(run.content + "|" + run.reasoning + "|" + run.model + "|" + run.tool_steps, "one two|hm ah|m1|[1,2]");
  CHECK_EQ(run.last_event_id, uint64_t{6});
}

TEST_CASE(text_ends_at_a_hole_and_the_last_id_does_not) {
  LogFixture f({.segment_bytes_max = 1});  // each flush makes a segment
  {
    const auto writer = f.log->make_writer();
    for (uint64_t id = 1; id <= 5; ++id) say(*writer, kRun, id, std::to_string(id));
  }
  f.log.reset();
  std::filesystem::remove(f.path_of(f.segments()[2]));
  f.open();
  const LoggedRun run = *f.run(kRun);
  CHECK_EQ(run.content, "12");
  CHECK_EQ(run.last_event_id, uint64_t{5});
  CHECK_EQ(f.events(kRun).events.size(), size_t{2});
  CHECK(f.events(kRun, 2).events.empty());  // a hole, not the end: last_id says so
  CHECK_EQ(f.events(kRun, 3).events.size(), size_t{2});
}

TEST_CASE(a_new_process_writes_new_segments_after_those_that_are_there) {
  LogFixture f;
  for (uint64_t id = 1; id <= 3; ++id) {
    {
      const auto writer = f.log->make_writer();
      say(*writer, kRun, id, std::to_string(id));
    }
    f.reopen();
  }
  CHECK((f.segments() ==
         std::vector<std::string>{"0000000000000001.log", "0000000000000002.log", "0000000000000003.log"}));
  CHECK_EQ(f.text(kRun), "123");
  write_file(f.path_of("00000000000000ff.log"), "");
  write_file(f.path_of("notes.txt"), "not ours");
  f.reopen();
  const auto writer = f.log->make_writer();
  say(*writer, kRun, 4, "4");
  CHECK_EQ(f.segments().size(), size_t{6});
  CHECK(std::filesystem::exists(f.path_of("0000000000000100.log")));
  CHECK_EQ(f.text(kRun), "1234");
}

TEST_CASE(a_run_that_goes_on_with_another_writer_is_read_whole) {
  LogFixture f;
  const auto a = f.log->make_writer();
  const auto b = f.log->make_writer();
  say(*a, kRun, 1, "a");
  say(*b, kOther, 1, "x");
  say(*b, kRun, 2, "b");
  CHECK_EQ(f.text(kRun), "ab");
  CHECK_EQ(f.segments().size(), size_t{2});
}

TEST_CASE(two_workers_write_while_others_read_and_sync) {
  LogFixture f({.segment_bytes_max = 4000});
  f.log->start();
  constexpr uint64_t kEvents = 3000;
  std::vector<std::thread> workers;
  for (uint32_t number = 1; number <= 2; ++number) {
    workers.emplace_back([&f, number] {
      const auto writer = f.log->make_writer();
      for (uint64_t id = 1; id <= kEvents; ++id) {
        writer->append(run_number(number), id, RunLogKind::token, std::to_string(id) + " ");
        if (id % 3 == 0 && !writer->flush()) return;
      }
      writer->end_run(run_number(number));
    });
  }
  uint64_t seen = 0;
  bool is_in_order = true;
  while (seen < kEvents) {
    const auto got = f.log->read_events(run_number(1), seen, 1000, 1 << 20);
    CHECK_OK(f.log->sync());
    if (!got) break;
    for (const LoggedEvent& event : got->events)
      is_in_order &= event.id == ++seen && event.bytes == std::to_string(seen) + " ";
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(is_in_order);
  CHECK_EQ(seen, kEvents);
  CHECK_EQ(f.events(run_number(2)).events.size(), kEvents);
}

TEST_CASE(reading_on_gives_every_event_once_over_segments_in_pieces_of_any_size) {
  LogFixture f({.segment_bytes_max = 100'000});
  const auto writer = f.log->make_writer();
  constexpr uint64_t kEvents = 20'000;
  for (uint64_t id = 1; id <= kEvents; ++id) {
    const std::string text = id % 5000 == 0 ? std::string(700'000, 'x') : std::to_string(id);
    writer->append(run_number(1), id, RunLogKind::token, text);
    writer->append(run_number(2), id, RunLogKind::reasoning, "beside");
    if (id % 100 == 0) CHECK_OK(writer->flush());
  }
  CHECK(f.segments().size() > 10);
  const LoggedEvents all = f.events(run_number(1));
  for (const size_t bytes_max : {size_t{1}, size_t{5000}, size_t{64} * 1024, size_t{10} << 20}) {
    RunLog::Place place;
    uint64_t seen = 17;
    size_t calls = 0;
    for (bool more = true; more && calls < 3000; ++calls) {
      const LoggedEvents got = CHECK_OK(f.log->read_events(run_number(1), seen, 2000, bytes_max, &place));
      more = got.limited;
      for (const LoggedEvent& event : got.events) {
        CHECK_EQ(event.id, seen + 1);
        CHECK(event.bytes == all.events[seen].bytes);
        ++seen;
      }
    }
    CHECK_EQ(seen, bytes_max == 1 ? uint64_t{17 + 3000} : kEvents);
  }
  RunLog::Place place;
  CHECK(CHECK_OK(f.log->read_events(run_number(3), 0, 10, 1000, &place)).events.empty());
}

TEST_CASE(a_segment_ends_at_its_size_and_at_its_age) {
  LogFixture f({.segment_bytes_max = 1000});
  const auto writer = f.log->make_writer();
  for (uint64_t id = 1; id <= 30; ++id) say(*writer, kRun, id, std::string(67, 'x'));  // 100 bytes each
  CHECK_EQ(f.segments().size(), size_t{4});
  for (const std::string& name : f.segments()) CHECK(read_file(f.path_of(name)).size() <= 1000);
  advance_us(10 * kMinuteUs);
  CHECK_OK(f.log->remove_old());
  say(*writer, kRun, 31, "x");
  CHECK_EQ(f.segments().size(), size_t{4});
  advance_us(1);
  CHECK_OK(f.log->remove_old());
  say(*writer, kRun, 32, "x");
  CHECK_EQ(f.segments().size(), size_t{5});
}

TEST_CASE(a_segment_goes_an_hour_after_its_last_run_and_not_before) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  say(*writer, kRun, 1, "x");
  say(*writer, kOther, 1, "y");
  f.log->seal();
  writer->end_run(kRun);
  advance_us(200 * kMinuteUs);
  CHECK_OK(f.log->remove_old());
  CHECK_EQ(f.text(kRun), "x");  // the other one goes on
  writer->end_run(kOther);
  advance_us(60 * kMinuteUs - 1);
  CHECK_OK(f.log->remove_old());
  CHECK_EQ(f.segments().size(), size_t{1});
  advance_us(1);
  CHECK_OK(f.log->remove_old());
  CHECK(f.segments().empty());
  CHECK_EQ(f.log->state().segments, size_t{0});
  CHECK(f.events(kRun).events.empty());
}

TEST_CASE(a_segment_of_an_earlier_process_goes_an_hour_after_it_was_written) {
  LogFixture f;
  {
    const auto writer = f.log->make_writer();
    say(*writer, kRun, 1, "x");
  }
  f.log.reset();
  // The wall clock decides here: files keep nothing else.
  struct stat found {};
  CHECK_EQ(stat(f.path_of(f.segments()[0]).c_str(), &found), 0);
  fake_wall_us = (found.st_mtim.tv_sec + 1) * 1'000'000 + 40 * kMinuteUs;
  f.open();
  advance_us(20 * kMinuteUs - 1);
  CHECK_OK(f.log->remove_old());
  CHECK_EQ(f.text(kRun), "x");
  advance_us(1);
  CHECK_OK(f.log->remove_old());
  CHECK(f.segments().empty());
}

TEST_CASE(what_is_kept_for_replay_alone_is_bounded_and_the_oldest_goes_first) {
  LogFixture f({.segment_bytes_max = 1, .kept_bytes_max = 2500});
  const auto writer = f.log->make_writer();
  say(*writer, run_number(100), 1, std::string(5000, 'x'));  // goes on: not counted, and stays
  for (uint32_t number = 1; number <= 5; ++number) {
    say(*writer, run_number(number), 1, std::string(1000, 'x'));
    writer->end_run(run_number(number));
  }
  f.log->seal();
  CHECK_OK(f.log->remove_old());
  CHECK_EQ(f.segments().size(), size_t{3});
  CHECK(f.events(run_number(3)).events.empty());
  CHECK(f.events(run_number(4)).events.size() == 1 && f.events(run_number(5)).events.size() == 1);
  CHECK_EQ(f.events(run_number(100)).events.size(), size_t{1});
}

TEST_CASE(an_erasure_removes_what_was_said_before_it_and_waits_for_runs_that_go_on) {
  LogFixture f;
  const auto a = f.log->make_writer();
  const auto b = f.log->make_writer();
  say(*a, kRun, 1, "deleted text");
  say(*a, kOther, 1, "its neighbour");
  say(*b, run_number(3), 1, "elsewhere");
  a->end_run(kRun);
  const uint64_t end = f.log->seal();
  CHECK_EQ(CHECK_OK(f.log->erase_before(end)), false);
  CHECK(is_on_disk(f, "deleted text"));
  say(*a, kOther, 2, " goes on");
  CHECK_EQ(f.text(kOther), "its neighbour goes on");
  a->end_run(kOther);
  CHECK_EQ(CHECK_OK(f.log->erase_before(end)), false);  // the third run
  CHECK(!is_on_disk(f, "deleted text"));
  b->end_run(run_number(3));
  CHECK_EQ(CHECK_OK(f.log->erase_before(end)), true);
  CHECK(!is_on_disk(f, "elsewhere"));
  CHECK(is_on_disk(f, " goes on"));  // said since
  CHECK_EQ(CHECK_OK(f.log->erase_before(f.log->seal())), true);
  CHECK(f.segments().empty());
  say(*a, run_number(4), 1, "new");
  CHECK_EQ(f.text(run_number(4)), "new");
}

TEST_CASE(nothing_of_a_forgotten_run_is_written_any_more_and_it_holds_nothing) {
  LogFixture f;
  const auto writer = f.log->make_writer();
  say(*writer, kRun, 1, "before");
  writer->append(kRun, 2, RunLogKind::token, "secret");
  writer->append(kOther, 1, RunLogKind::token, "one ");
  writer->append(kRun, 3, RunLogKind::token, "secret");
  writer->append(kOther, 2, RunLogKind::token, "two");
  f.log->forget({kRun, run_number(9)});
  CHECK_EQ(CHECK_OK(f.log->erase_before(f.log->seal())), true);
  CHECK_OK(writer->flush());
  CHECK_EQ(f.text(kOther), "one two");
  writer->append(kRun, 4, RunLogKind::token, "secret");
  CHECK_OK(writer->flush());
  CHECK(!is_on_disk(f, "before") && !is_on_disk(f, "secret"));
  writer->end_run(kRun);  // its engine comes to know it later
  writer->end_run(kOther);
  CHECK_EQ(CHECK_OK(f.log->erase_before(f.log->seal())), true);
}

TEST_CASE(erasing_while_workers_write_loses_nothing_of_runs_that_go_on) {
  LogFixture f({.segment_bytes_max = 4000});
  f.log->start();
  constexpr uint64_t kEvents = 2000;
  std::atomic<bool> written{false};
  auto writer = f.log->make_writer();
  say(*writer, kRun, 1, "x");
  std::thread worker([&, writer = std::move(writer)] {
    for (uint64_t id = 2; id <= kEvents; ++id) {
      writer->append(kRun, id, RunLogKind::token, "x");
      writer->append(kOther, id, RunLogKind::token, "y");
      if (!writer->flush()) break;
    }
    writer->end_run(kOther);
    written = true;
  });
  bool is_false_each_time = true;
  while (!written) is_false_each_time &= !CHECK_OK(f.log->erase_before(f.log->seal()));
  worker.join();
  CHECK(is_false_each_time);
  CHECK_EQ(f.text(kRun), std::string(kEvents, 'x'));
}

TEST_CASE(a_run_whose_end_nobody_told_keeps_its_segment) {
  LogFixture f;
  {
    const auto writer = f.log->make_writer();
    say(*writer, kRun, 1, "x");
  }
  advance_us(1000 * kMinuteUs);
  CHECK_OK(f.log->remove_old());
  CHECK_EQ(f.text(kRun), "x");
}
