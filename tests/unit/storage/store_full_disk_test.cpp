// A full disk: the store refuses what grows, keeps nothing of what it refused, lets deletes through by its reserve,
// goes on by itself when there is room, and has lost nothing, also when the power fails at the worst moment afterwards.
//
// Random operations run beside the model of store_model.h. Each answer is either the model's or storage_full, and then
// nothing happened. BOBBIN_TEST_LONG=1: many more points at which the disk fills up.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "src/base/metrics.h"
#include "storage/disk_space.h"
#include "tests/unit/storage/store_model.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;
using Op = FaultFileSystem::Op;

namespace {

constexpr uint64_t kMiB = 1024 * 1024;
std::atomic<int> fatal_calls{0};

Submit make_submit(const std::string& thread, uint32_t run, const std::string& content = "text") {
  Submit command;
  command.user = "u";
  command.thread = thread;
  command.run_id = run_number(run);
  command.content = content;
  return command;
}

// A store on a disk of ours.
struct Full {
  Fixture f{Fixture::Opened::later};
  FaultFileSystem* disk = nullptr;

  Full() {
    fatal_calls = 0;
    f.options.on_fatal = [](const Error&) noexcept { ++fatal_calls; };
    f.options.block_cache_bytes = kMiB;
    disk = &f.use_new_disk();
  }
  // The next command after it may try RocksDB again.
  static void pass_a_second() { advance_us(1'000'000); }
  // Nothing is left to be erased. Files go on a thread of RocksDB, for which one pass waits two seconds.
  void erase_all() {
    bool is_done = false;
    for (int passes = 0; passes < 10 && !is_done; ++passes) is_done = CHECK_OK(f.store->keep_house());
    CHECK(is_done);
  }
  Result<Reply> wake() { return f.store->execute(StartNext{"nobody", "nothing"}); }
  // There is room again. A flush or compaction that met the full disk may say so only now, and stop the store once
  // more.
  void make_room() {
    disk->set_room(std::nullopt);
    disk->heal();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (pass_a_second(); !wake() || f.store->state().read_only; pass_a_second()) {
      CHECK(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
    }
  }
  void cut_power(FaultFileSystem::Cut cut, uint32_t seed) {
    CHECK_EQ(fatal_calls.load(), 0);  // abandon() makes one
    disk->lose_power(cut, seed);
    f.abandon();
    fatal_calls = 0;
    disk = &f.use_new_disk();
    f.open();
  }
};

// Random commands against a store whose disk is full now and then.
class Walk : public Full {
 public:
  explicit Walk(uint32_t seed) : maker(seed), seed_(seed) { f.open(); }

  // Applies one command; true when it went through.
  bool step() {
    int parent_index = 0;
    Command command = maker.make(model, parent_index);
    Model after = model;
    std::string expected = after.apply(command, parent_index);
    const auto reply = f.store->execute(std::move(command));
    advance_us(1);
    if (!reply && reply.error().code == Code::storage_full) {
      CHECK_EQ(reply.error().number, ENOSPC);
      return false;
    }
    CHECK_EQ(describe(reply), std::move(expected));
    model = std::move(after);
    return true;
  }
  void steps(size_t count) {
    for (size_t i = 0; i < count; ++i) CHECK(step());
  }
  // Erases and trims, as far as there is room for it.
  void keep_house() {
    const auto kept = f.store->keep_house();
    if (!kept) CHECK(kept.error().code == Code::storage_full);
  }
  void check() {
    CHECK_EQ(f.store->state().last_sequence, model.sequence);
    for (const std::string& user : maker.users()) check_like_model(f, model, user, 7, 3);
  }
  void end_and_check(bool by_power_cut) {
    CHECK_EQ(fatal_calls.load(), 0);
    if (by_power_cut) {
      cut_power(static_cast<FaultFileSystem::Cut>(seed_ % 3), seed_);
    } else {
      f.reopen();
    }
    model.reopen();
    check();
  }

  CommandMaker maker;
  Model model;

 private:
  uint32_t seed_;
};

// The disk fills up `room` bytes from now.
void fill_up_and_go_on(uint32_t seed, uint64_t room) {
  Walk walk(seed);
  walk.steps(30);
  walk.disk->set_room(room);
  size_t refused = 0;
  for (size_t i = 0; i < 60; ++i) {
    refused += walk.step() ? 0 : 1;
    if (i == seed % 60) walk.keep_house();
  }
  walk.check();  // queries work, and nothing of what was refused is there
  walk.make_room();
  walk.check();
  if (seed % 2 == 0) walk.steps(10);
  walk.end_and_check(seed % 3 != 0);
  walk.steps(10);
  walk.check();
  CHECK(refused > 0 || room > 4 * 1024);
}

// The `nth` operation of a kind finds no room, and then all of them, until there is room.
bool fail_nth(uint32_t seed, Op op, uint64_t nth) {
  Walk walk(seed);
  walk.steps(20);
  walk.disk->fail(op, nth, FaultFileSystem::Fault::no_space, FaultFileSystem::Times::from_then_on);
  for (size_t i = 0; i < 40; ++i) {
    walk.step();
    if (i == nth % 40) walk.keep_house();
  }
  if (!walk.disk->fault_was_reached()) return false;
  walk.check();
  walk.make_room();
  walk.steps(nth % 3 * 4);
  walk.check();
  walk.end_and_check(nth % 2 == 0);
  walk.steps(5);
  walk.check();
  return true;
}

bool is_long() { return from_environment("BOBBIN_TEST_LONG", 0) != 0; }

}  // namespace

TEST_CASE(a_disk_that_fills_up_at_any_byte_loses_nothing_and_recovers) {
  const auto first = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", 1));
  const uint32_t points = is_long() ? 600 : 16;
  for (uint32_t i = 0; i < points; ++i) {
    const uint64_t room = i * 37 * (is_long() ? 7 : 61) % 24'000;
    std::printf("seed %u, room %llu\n", first + i, static_cast<unsigned long long>(room));
    fill_up_and_go_on(first + i, room);
  }
}

TEST_CASE(no_room_for_the_nth_write_or_sync_or_file_loses_nothing_and_recovers) {
  for (const Op op : {Op::write, Op::sync, Op::create, Op::rename}) {
    const uint64_t step = is_long() ? 1 : 13;
    for (uint64_t nth = 1; nth < 400; nth += nth < 4 ? 1 : step) {
      std::printf("operation %d, number %llu\n", static_cast<int>(op), static_cast<unsigned long long>(nth));
      if (!fail_nth(static_cast<uint32_t>(nth), op, nth)) break;
    }
  }
}

// Long enough that write buffers are flushed and files compacted, where a full disk stops RocksDB and not only its log.
TEST_CASE(no_room_for_a_flush_or_compaction_loses_nothing_and_recovers) {
  const auto first = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", 1));
  for (uint32_t seed = first; seed < first + (is_long() ? 200 : 6); ++seed) {
    std::printf("seed %u\n", seed);
    Walk walk(seed);
    walk.steps(300);
    const Op op = seed % 3 == 0 ? Op::sync : Op::create;
    if (seed % 2 == 0) {
      walk.disk->set_room(seed * 7919 % 120'000);
    } else {
      walk.disk->fail(op, 1 + seed % 7, FaultFileSystem::Fault::no_space, FaultFileSystem::Times::from_then_on);
    }
    for (size_t i = 0; i < 400; ++i) {
      walk.step();
      if (i % 100 == seed % 100) walk.keep_house();
    }
    walk.check();
    walk.make_room();
    walk.check();
    if (seed % 2 == 0) CHECK_OK(walk.f.store->keep_house());
    walk.steps(seed % 4 * 100);
    walk.end_and_check(seed % 5 != 0);
    walk.steps(20);
    walk.check();
  }
}

TEST_CASE(a_store_that_was_just_opened_on_a_full_disk_recovers_too) {
  // All write buffers are empty then: RocksDB alone would not begin another log.
  Full full;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.f.reopen();
  // Not by a budget: the files that opening made superfluous go in the background and give room back.
  full.disk->fail(Op::write, 1, FaultFileSystem::Fault::no_space, FaultFileSystem::Times::from_then_on);
  CHECK_FAILS(full.f.store->execute(make_submit("t2", 50)), Code::storage_full);
  CHECK_FAILS(full.wake(), Code::storage_full);
  CHECK(full.f.store->state().read_only && full.f.store->state().serving);
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"q", "a"}));
  full.make_room();
  full.f.turn("u", "t2", "q2", "a2");
  full.cut_power(FaultFileSystem::Cut::pessimistic, 1);
  CHECK((full.f.history("u", "t2") == std::vector<std::string>{"q2", "a2"}));
}

TEST_CASE(little_room_refuses_new_messages_and_lets_answers_and_deletes_through) {
  Full full;
  full.f.options.space_low_bytes = 10 * kMiB;
  full.disk->set_room(11 * kMiB);
  full.f.open();
  const Submitted active = full.f.submit("u", "t", "q");
  full.f.turn("u", "old", "q", "a");
  const int64_t gauge = metrics::read(metrics::Gauge::store_read_only);
  full.disk->set_room(9 * kMiB);
  CHECK_FAILS(full.f.submit(make_submit("t", 50)), Code::storage_full);
  CHECK(full.f.store->state().read_only);
  CHECK(full.f.store->state().read_only_reason[0] != '\0');
  CHECK_EQ(metrics::read(metrics::Gauge::store_read_only), gauge + 1);
  CHECK(full.f.finish(*active.run, "answer").applied);
  CHECK_OK(full.f.delete_thread("u", "old"));
  full.disk->set_room(11 * kMiB);  // not enough to leave: a quarter more than the mark
  CHECK_FAILS(full.f.submit(make_submit("t", 51)), Code::storage_full);
  full.disk->set_room(13 * kMiB);
  CHECK_OK(full.f.submit(make_submit("t", 52)));
  CHECK(!full.f.store->state().read_only);
  CHECK_EQ(std::string(full.f.store->state().read_only_reason), "");
  CHECK_EQ(metrics::read(metrics::Gauge::store_read_only), gauge);
}

TEST_CASE(the_reserve_lets_deletes_through_and_comes_back) {
  Full full;
  full.f.options.space_low_bytes = 4 * kMiB;
  full.f.options.reserve_bytes = 2 * kMiB;
  full.disk->set_room(20 * kMiB);
  full.f.open();
  const std::string reserve = full.f.directory.path() + "/data/reserve";
  CHECK_EQ(std::filesystem::file_size(reserve), 2 * kMiB);
  CHECK(std::filesystem::status(reserve).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  full.f.turn("u", "t", "q", "a");
  const Submitted active = full.f.submit("u", "t2", "q");
  full.disk->set_room(0);
  CHECK_FAILS(full.f.submit(make_submit("t3", 50)), Code::storage_full);
  FinishRun finish;
  finish.user = "u";
  finish.thread = "t2";
  finish.incarnation = active.incarnation;
  finish.run_id = active.run->run_id;
  finish.answer.emplace().content = "answer";
  CHECK_FAILS(full.f.store->execute(finish), Code::storage_full);
  CHECK(std::filesystem::exists(reserve));
  CHECK_OK(full.f.delete_thread("u", "t"));
  CHECK(!std::filesystem::exists(reserve));
  CHECK(!full.f.page("u", "t").found);
  CHECK_FAILS(full.f.submit(make_submit("t3", 51)), Code::storage_full);  // there is little room still
  CHECK(std::get<Finished>(CHECK_OK(full.f.store->execute(finish))).applied);
  full.disk->set_room(20 * kMiB);
  advance_us(10'000'000);
  CHECK_OK(full.f.submit(make_submit("t3", 52)));
  CHECK_EQ(std::filesystem::file_size(reserve), 2 * kMiB);
  full.cut_power(FaultFileSystem::Cut::pessimistic, 1);
  CHECK(!full.f.page("u", "t").found);
  CHECK((full.f.history("u", "t2") == std::vector<std::string>{"q", "answer"}));
}

TEST_CASE(only_submits_grow_and_only_what_makes_room_or_ends_work_is_worth_the_reserve) {
  CHECK(grows(Submit{}) && grows(SetTitle{}) && grows(PutMemory{}));
  for (const Command& command :
       std::initializer_list<Command>{FinishRun{}, StartNext{}, CancelQueued{}, DeleteThread{}, DeleteUserThreads{},
                                      ExpireThread{}, PurgeRows{}, EndErasure{}, TrimChanges{}, MoveFollower{}}) {
    CHECK(!grows(command));
  }
  for (const Command& command : std::initializer_list<Command>{DeleteThread{}, DeleteUserThreads{}, ExpireThread{},
                                                               PurgeRows{}, TrimChanges{}, CancelQueued{}}) {
    CHECK(makes_room(command));
  }
  for (const Command& command :
       std::initializer_list<Command>{Submit{}, FinishRun{}, StartNext{}, SetTitle{}, EndErasure{}, MoveFollower{}}) {
    CHECK(!makes_room(command));
  }
}

TEST_CASE(a_dropped_group_is_told_to_no_follower_and_leaves_no_gap) {
  struct Heard final : ChangeListener {
    void on_changes(const std::vector<CommittedChange>& changes) noexcept override {
      for (const CommittedChange& change : changes) sequences.push_back(change.sequence);
    }
    std::vector<uint64_t> sequences;
  } heard;
  Full full;
  full.f.options.listener = &heard;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.f.turn("u", "deleted", "q", "a");
  const uint64_t before = full.f.store->state().last_sequence;
  CHECK_EQ(heard.sequences.size(), before);
  Burst burst;
  {
    Plug plug(*full.f.store);
    burst.add(*full.f.store, make_submit("t", 50));
    burst.add(*full.f.store, make_submit("t", 51));
    burst.add(*full.f.store, DeleteThread{"u", "deleted"});
    burst.add(*full.f.store, MoveFollower{"copy", before + 1});
    full.disk->set_room(10);
  }
  for (const auto& reply : burst.finish()) CHECK_FAILS(reply, Code::storage_full);
  CHECK_EQ(full.f.store->state().last_sequence, before);
  CHECK_EQ(heard.sequences.size(), before);
  CHECK_EQ(CHECK_OK(full.f.store->read_changes(0, 100, kMiB)).changes.size(), before);
  CHECK_EQ(CHECK_OK(full.f.store->read_feed("u", 0, 100)).events.size(), before);
  CHECK(!CHECK_OK(full.f.store->follower_position("copy")));
  full.disk->set_room(std::nullopt);
  full.pass_a_second();
  full.f.turn("u", "t", "q2", "a2");  // not the run of the dropped group, nor waiting behind it
  full.f.turn("u", "deleted", "q2", "a2");
  CHECK((full.f.history("u", "deleted") == std::vector<std::string>{"q", "a", "q2", "a2"}));
  CHECK((full.f.sessions("u") == std::vector<std::string>{"deleted", "t"}));
  const ChangesPage page = CHECK_OK(full.f.store->read_changes(0, 100, kMiB));
  CHECK_EQ(page.changes.size(), before + 4);
  for (size_t i = 0; i < page.changes.size(); ++i) CHECK_EQ(page.changes[i].sequence, uint64_t{i + 1});
  CHECK_EQ(heard.sequences.size(), before + 4);
  CHECK_EQ(heard.sequences.back(), before + 4);
}

// Erasing needs room itself, for the files without the text. What it could not do it does later; and a thread that is
// made again meanwhile stays above its dead rows, whose stamps the writer had to read from disk again.
TEST_CASE(an_erasure_that_finds_no_room_is_taken_up_again) {
  Full full;
  full.f.open();
  full.f.turn("u", "t", "secret", "a");
  full.f.turn("u", "other", "q", "a");
  CHECK_OK(full.f.delete_thread("u", "t"));
  full.disk->set_room(0);
  const auto failed = full.f.store->keep_house();
  CHECK_FAILS(failed, Code::storage_full);
  CHECK_FAILS(full.f.submit(make_submit("t", 50)), Code::storage_full);
  full.make_room();
  full.f.turn("u", "t", "again", "a2");
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"again", "a2"}));
  full.erase_all();
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"again", "a2"}));
  full.cut_power(FaultFileSystem::Cut::pessimistic, 1);
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"again", "a2"}));
  CHECK((full.f.sessions("u") == std::vector<std::string>{"t", "other"}));
}

TEST_CASE(a_log_that_could_not_be_made_and_was_never_written_is_replaced_when_there_is_room) {
  Full full;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.f.turn("u", "gone", "q", "a");
  CHECK_OK(full.f.delete_thread("u", "gone"));
  full.disk->fail(Op::create, 1, FaultFileSystem::Fault::no_space, FaultFileSystem::Times::from_then_on);
  CHECK_FAILS(full.f.store->keep_house(), Code::storage_full);  // its flush begins a log
  CHECK_FAILS(full.f.submit(make_submit("t", 50)), Code::storage_full);
  full.make_room();
  full.f.turn("u", "t", "q2", "a2");
  full.erase_all();
  full.cut_power(FaultFileSystem::Cut::pessimistic, 1);
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"q", "a", "q2", "a2"}));
  CHECK((full.f.sessions("u") == std::vector<std::string>{"t"}));
}

TEST_CASE(a_thread_expires_on_a_full_disk_by_the_reserve) {
  Full full;
  full.f.options.reserve_bytes = kMiB;
  full.f.options.keep_s = 60;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.disk->set_room(0);
  CHECK_FAILS(full.f.submit(make_submit("t", 50)), Code::storage_full);
  advance_us(61'000'000);
  static_cast<void>(full.f.store->keep_house());  // how far the erasure comes depends on what files need
  CHECK(!full.f.page("u", "t").found);
  full.disk->set_room(std::nullopt);
  full.pass_a_second();
  full.erase_all();
  CHECK(!full.f.page("u", "t").found);
}

TEST_CASE(a_delete_in_a_group_that_finds_no_room_is_tried_again_by_the_reserve) {
  Full full;
  full.f.options.space_low_bytes = kMiB;
  full.f.options.reserve_bytes = kMiB;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.disk->set_room(kMiB + 10);  // not low yet
  Burst burst;
  {
    Plug plug(*full.f.store);
    burst.add(*full.f.store, make_submit("t2", 50, std::string(2 * kMiB, 'x')));
    burst.add(*full.f.store, DeleteThread{"u", "t"});
    burst.add(*full.f.store, DeleteThread{"u", "never"});
  }
  const auto replies = burst.finish();
  CHECK_FAILS(replies[0], Code::storage_full);
  CHECK_OK(replies[1]);
  CHECK_FAILS(replies[2], Code::not_found);
  CHECK(full.f.sessions("u").empty());
  full.cut_power(FaultFileSystem::Cut::pessimistic, 1);
  CHECK(full.f.sessions("u").empty());
}

TEST_CASE(a_store_opens_on_a_full_disk_by_its_reserve) {
  Full full;
  full.f.options.space_low_bytes = 4 * kMiB;
  full.f.options.reserve_bytes = kMiB;
  full.f.open();
  full.f.turn("u", "t", "q", "a");
  full.f.submit("u", "t", "cut");
  full.disk->set_room(0);
  full.f.store.reset();
  full.f.open();
  CHECK(full.f.store->state().read_only);
  CHECK((full.f.history("u", "t") == std::vector<std::string>{"q", "a", "cut"}));
  CHECK_FAILS(full.f.submit(make_submit("t", 50)), Code::storage_full);
  CHECK_OK(full.f.delete_thread("u", "t"));
  full.f.store.reset();
  full.disk->fail(Op::create, 1, FaultFileSystem::Fault::no_space, FaultFileSystem::Times::from_then_on);
  CHECK_FAILS(full.f.try_open(), Code::storage_full);
  full.disk->heal();
  full.disk->set_room(std::nullopt);
  full.f.open();
  CHECK(full.f.sessions("u").empty());
}
