// The disk that fails on purpose must not lie itself: each promise of fault_file_system.h, with plain files.
#include "tests/support/fault_file_system.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/unit/storage/store_fixture.h"

using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;
using Cut = FaultFileSystem::Cut;
using Fault = FaultFileSystem::Fault;
using Op = FaultFileSystem::Op;
using Times = FaultFileSystem::Times;

namespace {

struct Files {
  TempDirectory temp;
  std::string directory = temp.path() + "/files";
  std::shared_ptr<FaultFileSystem> disk = std::make_shared<FaultFileSystem>(temp.path() + "/shadow");

  Files() { std::filesystem::create_directory(directory); }
  [[nodiscard]] std::string path(const std::string& name) const { return directory + "/" + name; }
  std::unique_ptr<rocksdb::FSWritableFile> create(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const auto status = disk->NewWritableFile(path(name), {}, &file, nullptr);
    if (!status.ok()) return nullptr;
    return file;
  }
  rocksdb::IOStatus sync_directory() {
    std::unique_ptr<rocksdb::FSDirectory> opened;
    const auto status = disk->NewDirectory(directory, {}, &opened, nullptr);
    return status.ok() ? opened->Fsync({}, nullptr) : status;
  }
  // A durable file with this content.
  void put(const std::string& name, const std::string& content) {
    const auto file = create(name);
    CHECK(file != nullptr && file->Append(content, {}, nullptr).ok() && file->Sync({}, nullptr).ok());
    CHECK(sync_directory().ok());
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }
  [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
};

}  // namespace

TEST_CASE(a_power_cut_takes_what_was_not_synced_and_nothing_else) {
  Files f;
  f.put("kept", "durable");
  const auto file = f.create("1.log");
  CHECK(f.sync_directory().ok());
  CHECK(file->IsSyncThreadSafe());  // as the real one: the run log needs it
  CHECK(file->Append("one", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
  CHECK(file->Append("two", {}, nullptr).ok() && file->Flush({}, nullptr).ok());
  CHECK_EQ(f.read("1.log"), std::string("onetwo"));
  CHECK_EQ(f.disk->durable_bytes(f.path("1.log")), uint64_t{3});
  f.disk->lose_power(Cut::pessimistic, 1);
  CHECK_EQ(f.read("1.log"), std::string("one"));
  CHECK_EQ(f.read("kept"), std::string("durable"));
}

// RocksDB allocates ahead, and a file that is closed is set to the size that it had for its writer.
TEST_CASE(what_a_power_cut_left_is_not_touched_by_files_that_are_closed_later) {
  Files f;
  auto file = f.create("1.log");
  CHECK(f.sync_directory().ok());
  file->SetPreallocationBlockSize(4096);
  file->PrepareWrite(0, 6, {}, nullptr);
  CHECK(file->Append("one", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
  CHECK(file->Append("two", {}, nullptr).ok());
  f.disk->lose_power(Cut::pessimistic, 1);
  static_cast<void>(file->Close({}, nullptr));
  file.reset();
  CHECK_EQ(f.read("1.log"), std::string("one"));
}

TEST_CASE(a_random_cut_ends_between_what_was_synced_and_what_was_written_and_a_torn_one_damages_only_that) {
  bool was_whole = false;
  bool was_short = false;
  bool was_damaged = false;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    const Cut cut = seed % 2 == 0 ? Cut::random : Cut::torn;
    Files f;
    const auto file = f.create("1.log");
    CHECK(f.sync_directory().ok());
    CHECK(file->Append("sync", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
    CHECK(file->Append("tail", {}, nullptr).ok());
    f.disk->lose_power(cut, seed);
    const std::string left = f.read("1.log");
    CHECK(left.size() >= 4 && left.size() <= 8 && left.starts_with("sync"));
    const bool is_damaged = left != std::string("synctail").substr(0, left.size());
    CHECK(!is_damaged || cut == Cut::torn);
    was_damaged |= is_damaged;
    was_whole |= left == "synctail";
    was_short |= left.size() < 8;
  }
  CHECK(was_whole && was_short && was_damaged);
}

TEST_CASE(a_torn_cut_leaves_other_files_than_logs_short) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Files f;
    const auto file = f.create("MANIFEST");
    CHECK(f.sync_directory().ok());
    CHECK(file->Append("sync", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
    CHECK(file->Append("tail", {}, nullptr).ok());
    f.disk->lose_power(Cut::torn, seed);
    CHECK(f.read("MANIFEST").size() >= 4 && std::string("synctail").starts_with(f.read("MANIFEST")));
  }
}

TEST_CASE(names_need_a_sync_of_their_directory) {
  Files f;
  f.put("old", "old");
  f.put("target", "target");
  f.put("removed", "removed");
  f.put("replaced", "replaced");
  CHECK(f.create("made")->Sync({}, nullptr).ok());
  CHECK(f.disk->RenameFile(f.path("old"), f.path("target"), {}, nullptr).ok());
  CHECK(f.disk->DeleteFile(f.path("removed"), {}, nullptr).ok());
  CHECK(f.create("replaced")->Append("new", {}, nullptr).ok());
  CHECK_EQ(f.read("target"), std::string("old"));
  CHECK_EQ(f.read("replaced"), std::string("new"));
  f.disk->lose_power(Cut::pessimistic, 1);
  CHECK(!f.exists("made"));
  CHECK_EQ(f.read("old"), std::string("old"));
  CHECK_EQ(f.read("target"), std::string("target"));
  CHECK_EQ(f.read("removed"), std::string("removed"));
  CHECK_EQ(f.read("replaced"), std::string("replaced"));
}

TEST_CASE(names_of_a_synced_directory_stay) {
  Files f;
  f.put("old", "old");
  f.put("target", "target");
  f.put("removed", "removed");
  CHECK(f.create("made")->Sync({}, nullptr).ok());
  CHECK(f.disk->RenameFile(f.path("old"), f.path("target"), {}, nullptr).ok());
  CHECK(f.disk->DeleteFile(f.path("removed"), {}, nullptr).ok());
  CHECK(f.sync_directory().ok());
  f.disk->lose_power(Cut::pessimistic, 1);
  CHECK(f.exists("made") && !f.exists("old") && !f.exists("removed"));
  CHECK_EQ(f.read("target"), std::string("old"));
}

TEST_CASE(a_random_cut_keeps_the_first_changes_of_names_and_undoes_the_others) {
  std::array<bool, 4> seen{};
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    Files f;
    for (const char* name : {"a", "b", "c"}) CHECK(f.create(name) != nullptr);
    f.disk->lose_power(Cut::random, seed);
    size_t count = 0;
    for (const char* name : {"a", "b", "c"}) {
      if (!f.exists(name)) break;
      ++count;
    }
    CHECK(!(count == 0 && (f.exists("b") || f.exists("c"))) && !(count == 1 && f.exists("c")));
    seen.at(count) = true;
  }
  CHECK(seen[0] && seen[1] && seen[2] && seen[3]);
}

TEST_CASE(bytes_that_a_failed_sync_spoke_of_are_lost_though_the_next_one_reports_success) {
  Files f;
  const auto file = f.create("1.log");
  CHECK(f.sync_directory().ok());
  CHECK(file->Append("one", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
  CHECK(file->Append("two", {}, nullptr).ok());
  f.disk->fail(Op::sync, 1, Fault::io, Times::once);
  CHECK(file->Sync({}, nullptr).IsIOError());
  CHECK(file->Sync({}, nullptr).ok());
  CHECK_EQ(f.disk->durable_bytes(f.path("1.log")), uint64_t{3});
  // Cut back to what is good, the file can go on.
  CHECK(file->Truncate(3, {}, nullptr).ok() && file->Sync({}, nullptr).ok());
  CHECK_EQ(f.disk->durable_bytes(f.path("1.log")), uint64_t{3});
  f.disk->lose_power(Cut::pessimistic, 1);
  CHECK_EQ(f.read("1.log"), std::string("one"));
}

TEST_CASE(a_truncation_that_nobody_synced_is_undone) {
  for (const bool synced : {false, true}) {
    Files f;
    const auto file = f.create("1.log");
    CHECK(f.sync_directory().ok());
    CHECK(file->Append("durable", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
    CHECK(file->Truncate(3, {}, nullptr).ok());
    if (synced) CHECK(file->Sync({}, nullptr).ok());
    CHECK_EQ(f.read("1.log"), std::string("dur"));
    f.disk->lose_power(Cut::pessimistic, 1);
    CHECK_EQ(f.read("1.log"), std::string(synced ? "dur" : "durable"));
  }
}

TEST_CASE(lying_syncs_save_nothing) {
  Files f;
  f.disk->set_lying_syncs(true);
  const auto file = f.create("1.log");
  CHECK(file->Append("one", {}, nullptr).ok() && file->Sync({}, nullptr).ok());
  CHECK(f.sync_directory().ok());
  f.disk->lose_power(Cut::pessimistic, 1);
  CHECK(!f.exists("1.log"));
}

TEST_CASE(the_nth_operation_fails_once_or_from_then_on) {
  Files f;
  const auto file = f.create("1.log");
  CHECK(file->Append("1", {}, nullptr).ok());
  f.disk->fail(Op::write, 2, Fault::io, Times::once);
  CHECK(file->Append("2", {}, nullptr).ok());
  CHECK(!f.disk->fault_was_reached());
  CHECK(file->Append("3half", {}, nullptr).IsIOError());
  CHECK(f.disk->fault_was_reached());
  CHECK(file->Append("4", {}, nullptr).ok());
  CHECK_EQ(f.read("1.log"), std::string("123h4"));
  CHECK_EQ(f.disk->count(Op::write), uint64_t{4});
  f.disk->fail(Op::rename, 1, Fault::no_space, Times::from_then_on);
  CHECK(f.disk->RenameFile(f.path("1.log"), f.path("a"), {}, nullptr).IsNoSpace());
  CHECK(f.disk->RenameFile(f.path("1.log"), f.path("a"), {}, nullptr).IsNoSpace());
  f.disk->heal();
  CHECK(f.disk->RenameFile(f.path("1.log"), f.path("a"), {}, nullptr).ok());
  f.disk->fail(Op::create, 1, Fault::io, Times::once);
  CHECK(f.create("b") == nullptr && f.create("b") != nullptr);
  f.disk->fail(Op::sync_directory, 1, Fault::io, Times::once);
  CHECK(!f.sync_directory().ok() && f.sync_directory().ok());
}

TEST_CASE(reads_fail_and_are_shortened) {
  Files f;
  f.put("file", "12345678");
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  CHECK(f.disk->NewRandomAccessFile(f.path("file"), {}, &file, nullptr).ok());
  char scratch[8];
  rocksdb::Slice found;
  f.disk->set_short_reads(true);
  CHECK(file->Read(0, 8, {}, &found, scratch, nullptr).ok());
  CHECK_EQ(found.ToString(), std::string("1234"));
  rocksdb::FSReadRequest request{.offset = 4, .len = 4, .scratch = scratch, .result = {}, .status = {}};
  CHECK(file->MultiRead(&request, 1, {}, nullptr).ok() && request.status.ok());
  CHECK_EQ(request.result.ToString(), std::string("56"));
  f.disk->set_short_reads(false);
  f.disk->fail(Op::read, 2, Fault::io, Times::once);
  CHECK(file->Read(0, 8, {}, &found, scratch, nullptr).ok());
  CHECK(file->Read(0, 8, {}, &found, scratch, nullptr).IsIOError());
  CHECK(file->Read(0, 8, {}, &found, scratch, nullptr).ok());
  f.disk->fail(Op::open, 1, Fault::io, Times::once);
  CHECK(f.disk->NewRandomAccessFile(f.path("file"), {}, &file, nullptr).IsIOError());
}

TEST_CASE(a_full_disk_takes_what_fits_and_has_room_again_when_files_go) {
  Files f;
  f.put("old", "12345");
  f.disk->set_room(4);
  uint64_t free = 0;
  CHECK(f.disk->GetFreeSpace(f.directory, {}, &free, nullptr).ok());
  CHECK_EQ(free, uint64_t{4});
  const auto file = f.create("new");
  CHECK(file->Append("abcdef", {}, nullptr).IsNoSpace());
  CHECK_EQ(f.read("new"), std::string("abcd"));
  CHECK(file->Append("e", {}, nullptr).IsNoSpace());
  CHECK(f.disk->DeleteFile(f.path("old"), {}, nullptr).ok());
  CHECK_EQ(f.disk->room().value_or(0), uint64_t{5});
  CHECK(file->Append("e", {}, nullptr).ok());
  CHECK(file->Truncate(2, {}, nullptr).ok());
  CHECK_EQ(f.disk->room().value_or(0), uint64_t{7});
}

TEST_CASE(a_held_sync_waits_until_it_is_released_and_dies_with_the_disk) {
  for (const bool released : {true, false}) {
    Files f;
    const auto file = f.create("1.log");
    CHECK(f.sync_directory().ok());
    CHECK(file->Append("one", {}, nullptr).ok());
    f.disk->hold_syncs();
    rocksdb::IOStatus status;
    std::thread syncing([&] { status = file->Sync({}, nullptr); });
    f.disk->wait_for_held_sync();
    CHECK_EQ(f.disk->durable_bytes(f.path("1.log")), uint64_t{0});
    if (released) {
      f.disk->release_syncs();
    } else {
      f.disk->die();
    }
    syncing.join();
    CHECK_EQ(status.ok(), released);
    CHECK_EQ(f.disk->durable_bytes(f.path("1.log")), uint64_t{released ? 3u : 0u});
  }
}

TEST_CASE(nothing_works_on_a_disk_without_power) {
  Files f;
  f.put("file", "12345678");
  const auto file = f.create("1.log");
  f.disk->lose_power(Cut::random, 1);
  CHECK(!file->Append("x", {}, nullptr).ok() && !file->Sync({}, nullptr).ok());
  CHECK(f.create("other") == nullptr && !f.sync_directory().ok());
  CHECK(!f.disk->DeleteFile(f.path("file"), {}, nullptr).ok());
  CHECK(!f.disk->RenameFile(f.path("file"), f.path("a"), {}, nullptr).ok());
  std::unique_ptr<rocksdb::FSRandomAccessFile> reader;
  CHECK(!f.disk->NewRandomAccessFile(f.path("file"), {}, &reader, nullptr).ok());
  CHECK_EQ(f.read("file"), std::string("12345678"));
}
