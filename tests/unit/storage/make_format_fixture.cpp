// Writes the store that storage_format_test opens for ever after, as this program's format has it:
//
//   BOBBIN_ARCHIVE=OUT.tar.gz make_format_fixture
//
// The archive is of a store in use: a run speaks, another waits, a deletion is not erased, nothing was closed. Made
// once for each released format, from the program that was released (formats/README.md). Never made again.
#include <cstdlib>

#include "tests/unit/storage/store_fixture.h"

using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

void write(Fixture& f) {
  for (int i = 1; i <= 30; ++i) {
    advance_us(1'000'000);
    f.turn("ana", "long", "question " + std::to_string(i), "answer " + std::to_string(i));
  }
  f.reopen();  // some of it in tables

  // Two branches: a second answer to the first question.
  f.turn("ana", "branched", "root", "left");
  Submit right;
  right.user = "ana";
  right.thread = "branched";
  right.content = "again";
  right.created_us = fake_wall();
  right.parent = f.page("ana", "branched").messages.back().id;
  const Submitted other = CHECK_OK(f.submit(right));
  f.finish(*other.run, "right");

  Submit temporary;
  temporary.user = "ana";
  temporary.thread = "temporary";
  temporary.content = "for ten years";
  temporary.created_us = fake_wall();
  temporary.keep_s = 315'360'000;
  temporary.options = "options";
  const Submitted made = CHECK_OK(f.submit(temporary));
  FinishRun finish;
  finish.user = "ana";
  finish.thread = "temporary";
  finish.incarnation = made.incarnation;
  finish.run_id = made.run->run_id;
  finish.outcome = RunOutcome::error;
  finish.answer.emplace();
  finish.answer->content = "half an ";
  finish.answer->reasoning = "because";
  finish.answer->model = "a model";
  finish.answer->finish_reason = "length";
  finish.answer->tool_steps = R"([{"tool":"search"}])";
  finish.answer->usage = Usage{1, 2, 3, 4};
  finish.answer->status = MessageStatus::failed;
  finish.terminal_event = R"({"type":"error"})";
  finish.terminal_event_id = 9;
  CHECK_OK(f.store->execute(std::move(finish)));

  CHECK_OK(f.store->execute(ChangeSetting{"ana", "keep_days", "30000"}));
  CHECK_OK(f.store->execute(MoveFollower{"search", 5}));

  f.turn("ben", "gone", "a secret question", "a secret answer");
  CHECK_OK(f.delete_thread("ben", "gone"));
  f.turn("ben", "gone", "the second life", "of a thread");

  const Submitted running = f.submit("ben", "busy", "who speaks?");
  f.submit("ben", "busy", "who waits?");
  const auto log = f.store->run_log().make_writer();
  log->append(running.run->run_id, 1, RunLogKind::event, R"({"type":"start"})");
  log->append(running.run->run_id, 2, RunLogKind::token, "I ");
  log->append(running.run->run_id, 3, RunLogKind::reasoning, "hm");
  log->append(running.run->run_id, 4, RunLogKind::token, "speak");
  log->append(running.run->run_id, 0, RunLogKind::model, "a model");
  CHECK_OK(log->flush());
}

}  // namespace

TEST_CASE(an_archive_is_written) {
  const char* archive = std::getenv("BOBBIN_ARCHIVE");
  CHECK(archive != nullptr);
  Fixture f;
  write(f);
  const std::string command = "tar --create --gzip --owner=0 --group=0 --exclude=lock --file '" + std::string(archive) +
                              "' -C '" + f.directory.path() + "' data";
  CHECK_EQ(std::system(command.c_str()), 0);
}
