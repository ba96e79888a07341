// A disk that is full or fails under the run log: nothing half-written is found later, and each kind of failure is told
// as what it is.
#include "storage/run_log_format.h"
#include "tests/unit/storage/limited_disk.h"
#include "tests/unit/storage/run_log_fixture.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;

namespace {

const Uuid kRun = run_number(1);

struct DiskFixture {
  LimitedDisk disk;
  std::vector<Error> failures;
  LogFixture log{
      {.file_system = make_file_system(disk), .on_failure = [this](const Error& error) { failures.push_back(error); }}};
};

}  // namespace

TEST_CASE(a_full_disk_refuses_the_flush_leaves_nothing_of_it_and_is_forgiven_when_there_is_room) {
  for (int64_t room = 0; room < 100; ++room) {
    DiskFixture f;
    const auto writer = f.log.log->make_writer();
    say(*writer, kRun, 1, "kept");
    f.disk.room = room;  // no room at all, within the frame, after the first frame, within the second
    writer->append(kRun, 2, RunLogKind::token, "not written");
    writer->append(kRun, 3, RunLogKind::token, "nor is this, it is a bit longer than the room that is left");
    CHECK_FAILS(writer->flush(), Code::storage_full);
    CHECK(!writer->has_unflushed());
    writer->append(kRun, 2, RunLogKind::token, "still not");
    f.disk.room = std::min<int64_t>(room, 50);
    CHECK_FAILS(writer->flush(), Code::storage_full);
    CHECK_EQ(f.log.text(kRun), "kept");
    f.disk.room = INT64_MAX;
    say(*writer, kRun, 2, " and on");
    CHECK_EQ(f.log.text(kRun), "kept and on");
    CHECK(f.failures.empty());
    CHECK_EQ(f.log.segments().size(), size_t{2});  // those that got nothing are gone
    for (const std::string& name : f.log.segments()) {
      const std::string bytes = read_file(f.log.path_of(name));
      FrameReader frames(bytes, FrameReader::From::head);
      for (Frame frame; frames.next(frame);) CHECK(frame.bytes != "not written");
      CHECK_EQ(frames.believed_bytes(), bytes.size());
    }
  }
}

TEST_CASE(a_write_error_is_told_once_and_ends_all_writing) {
  DiskFixture f;
  const auto writer = f.log.log->make_writer();
  const auto other = f.log.log->make_writer();
  say(*writer, kRun, 1, "kept");
  f.disk.room = 10;
  f.disk.write_error = rocksdb::IOStatus::IOError("broken");
  writer->append(kRun, 2, RunLogKind::token, "x");
  CHECK_FAILS(writer->flush(), Code::io);
  CHECK_EQ(f.failures.size(), size_t{1});
  CHECK(f.failures[0].code == Code::io);
  f.disk.room = INT64_MAX;
  other->append(kRun, 2, RunLogKind::token, "x");
  CHECK_FAILS(other->flush(), Code::io);
  CHECK_FAILS(f.log.log->sync(), Code::io);
  CHECK_EQ(f.failures.size(), size_t{1});
  CHECK_EQ(f.log.text(kRun), "kept");
}

TEST_CASE(a_failed_sync_is_the_end_even_when_it_says_that_the_disk_is_full) {
  DiskFixture f;
  const auto writer = f.log.log->make_writer();
  say(*writer, kRun, 1, "x");
  f.disk.syncs_fail = true;
  CHECK_FAILS(f.log.log->sync(), Code::io);
  f.disk.syncs_fail = false;
  CHECK_FAILS(f.log.log->sync(), Code::io);  // never again: it could report success for lost pages
  writer->append(kRun, 2, RunLogKind::token, "x");
  CHECK_FAILS(writer->flush(), Code::io);
  CHECK_EQ(f.failures.size(), size_t{1});
  CHECK_EQ(f.disk.syncs, 1);
}

TEST_CASE(a_sync_covers_each_written_segment_once_and_the_directory_of_a_new_one) {
  DiskFixture f;
  const auto a = f.log.log->make_writer();
  const auto b = f.log.log->make_writer();
  say(*a, kRun, 1, "x");
  say(*a, kRun, 2, "x");
  say(*b, run_number(2), 1, "x");
  CHECK_EQ(f.disk.syncs, 0);
  CHECK_OK(f.log.log->sync());
  CHECK(f.disk.syncs == 2 && f.disk.directory_syncs == 1);
  CHECK_OK(f.log.log->sync());
  CHECK(f.disk.syncs == 2 && f.disk.directory_syncs == 1);
  say(*b, run_number(2), 2, "x");
  CHECK_OK(f.log.log->sync());
  CHECK(f.disk.syncs == 3 && f.disk.directory_syncs == 1);
}

TEST_CASE(the_threads_own_sync_follows_a_write) {
  DiskFixture f;
  f.log.log->start();
  const auto writer = f.log.log->make_writer();
  say(*writer, kRun, 1, "x");
  f.disk.wait_for_sync();
  CHECK(f.failures.empty());
}
