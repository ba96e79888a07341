// Every n-th operation of the disk fails while a fixed workload runs: the store says so to whoever waits, asks for the
// end of the process once, and what is found by the next one is the state after some command: not before the last that
// was answered, never half of one. n counts up until a run is not reached by its fault.
//
// The same with the power: random bursts, a cut at a random operation, and what was answered is there. That these
// tests can see a loss is shown by a disk whose syncs do nothing.
#include <cstdio>

#include "tests/unit/storage/replica.h"
#include "tests/unit/storage/speaker.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;
using Op = FaultFileSystem::Op;
using Fault = FaultFileSystem::Fault;
using Times = FaultFileSystem::Times;
using Cut = FaultFileSystem::Cut;

namespace {

std::atomic<int> fatal_calls{0};
std::atomic<int> fatal_number{0};

bool is_long() { return from_environment("BOBBIN_TEST_LONG", 0) != 0; }

// One store, its model, and the moments that it may be found in.
class Trial {
 public:
  explicit Trial(uint32_t seed) : maker(seed) {
    fatal_calls = 0;
    f.options.on_fatal = [](const Error& error) noexcept {
      ++fatal_calls;
      fatal_number = error.number;
    };
    f.options.block_cache_bytes = 1024 * 1024;
    f.use_new_disk();
  }

  // Groups of up to `size_max` commands until `commands` were made or one has failed with the disk.
  void run(size_t commands, size_t size_max) {
    size_t made = 0;
    while (made < commands && !failed) {
      std::optional<Plug> plug;
      if (maker.below(2) == 0) {
        try {
          plug.emplace(*f.store);
        } catch (const bobbin::test::Failure&) {  // a flush has failed meanwhile: nothing is taken any more
          failed = true;
          break;
        }
      }
      Burst burst;
      std::vector<std::string> expected;
      const size_t size = 1 + maker.below(size_max);
      const size_t first = moments.size();
      for (size_t i = 0; i < size; ++i) {
        int parent_index = 0;
        Model after = moments.back();
        Command command = maker.make(after, parent_index);
        std::string answer = after.apply(command, parent_index);
        if (const auto taken = burst.try_add(*f.store, std::move(command)); !taken) {
          CHECK_EQ(std::string(code_name(taken.error().code)), std::string("io"));
          failed = true;
          break;
        }
        expected.push_back(std::move(answer));
        moments.push_back(std::move(after));
      }
      plug.reset();
      const auto replies = burst.finish();
      bool one_failed = false;
      for (size_t i = 0; i < replies.size(); ++i) {
        if (!replies[i] && replies[i].error().code == Code::io) {
          failed = one_failed = true;
          continue;
        }
        CHECK(!one_failed);  // nothing succeeds after a failure
        CHECK_EQ(describe(replies[i]), expected[i]);
        answered = first + i;
      }
      made += size;
      advance_us(1);
      if (failed) continue;
      moments.erase(moments.begin(), moments.end() - 1);
      answered = 0;
      do_the_rest();
    }
  }
  // What is no command: answers go on, a follower follows, and housekeeping erases. A failure ends what was tried.
  void do_the_rest() {
    speaker.end_runs(moments.back());
    if (!speaker.say(moments.back(), maker)) {
      failed = true;
      return;
    }
    if (maker.below(4) == 0 && !speaker.sync(*f.store)) failed = true;
    if (maker.below(2) == 0 && !replica.step(*f.store)) CHECK(f.disk->fault_was_reached());
    if (keeps_house && maker.below(6) == 0 && !f.store->keep_house()) CHECK(f.disk->fault_was_reached());
  }
  void open() {
    f.open();
    speaker.begin(*f.store);
  }
  void abandon() {
    f.disk->die();
    speaker.end();
    f.abandon();
  }

  // What a query finds after the next opening, which must succeed.
  void open_and_check(Speaker::Survived survived) {
    f.open();
    std::string why = "no moment has this many changes";
    for (size_t at = answered; at < moments.size(); ++at) {
      if (moments[at].sequence + moments[at].active_runs() != f.store->state().last_sequence) continue;
      Model model = moments[at];
      try {
        model.reopen(speaker.check_recovered(f, model, survived));
        for (const std::string& user : maker.users()) check_like_model(f, model, user, 7, 3);
        CHECK(replica.position() <= model.sequence);  // what it saw is still there
        while (CHECK_OK(replica.step(*f.store))) {
        }
        replica.check_equal(f, maker.users());
        CHECK_EQ(replica.lost(), size_t{0});
        speaker.begin(*f.store);
        moments = {std::move(model)};
        answered = 0;
        failed = false;
        return;
      } catch (const bobbin::test::Failure& failure) {
        why = failure.what();
      }
    }
    bobbin::test::fail_check(__FILE__, __LINE__, "the store is at no moment after what was answered: " + why);
  }

  Fixture f{Fixture::Opened::later};
  CommandMaker maker;
  Replica replica{1};
  Speaker speaker;
  bool keeps_house = true;
  std::vector<Model> moments{Model{}};
  size_t answered = 0;  // index in moments
  bool failed = false;
};

// False when the fault was not reached.
bool fail_nth(Op op, uint64_t nth, Times times) {
  std::printf("operation %d, number %llu, %s\n", static_cast<int>(op), static_cast<unsigned long long>(nth),
              times == Times::once ? "once" : "from then on");
  Trial trial(1);
  // A command whose own reads fail is an error of that command alone, which moments cannot say: without flushes all
  // that commands read is in memory.
  trial.keeps_house = op != Op::read && op != Op::open;
  trial.f.disk->fail(op, nth, Fault::io, times);
  if (!trial.f.try_open()) {
    // Opening failed: nothing was answered, so an empty store must open where the disk is well.
    CHECK(trial.f.disk->fault_was_reached());
  } else {
    trial.speaker.begin(*trial.f.store);
    trial.run(60, 8);
    if (!trial.f.disk->fault_was_reached()) return false;
    // A failed write or sync of the log is never tried again. Others RocksDB may do without (its own log of events).
    if (trial.failed) {
      CHECK_FAILS(trial.f.store->execute(StartNext{"u", "t"}), Code::io);
      trial.f.store->close();
      CHECK_EQ(fatal_calls.load(), 1);
      CHECK_EQ(fatal_number.load(), EIO);
    }
    trial.abandon();
  }
  trial.f.disk->die();
  trial.f.use_new_disk();
  trial.open_and_check(Speaker::Survived::what_was_told);
  trial.run(10, 3);
  CHECK(!trial.failed);
  return true;
}

// Random bursts and power cuts; `lying`: syncs do nothing.
void lose_power(uint32_t seed, bool lying) {
  Trial trial(seed);
  for (int round = 0; round < 4; ++round) {
    trial.f.disk->set_lying_syncs(lying);
    if (round == 0) trial.open();
    const Op op = trial.maker.below(2) == 0 ? Op::write : Op::sync;
    trial.f.disk->fail(op, 1 + trial.maker.below(40), Fault::io, Times::from_then_on);
    trial.run(200, 24);
    trial.abandon();
    trial.f.disk->lose_power(static_cast<Cut>(trial.maker.below(3)), seed * 31 + static_cast<uint32_t>(round));
    trial.f.use_new_disk();
    trial.open_and_check(Speaker::Survived::what_was_synced);
  }
}

}  // namespace

TEST_CASE(every_nth_failure_of_the_disk_is_told_and_leaves_whole_commands) {
  for (const Op op : {Op::write, Op::sync, Op::create, Op::open, Op::rename, Op::sync_directory, Op::read}) {
    for (const Times times : {Times::once, Times::from_then_on}) {
      uint64_t nth = 1;
      while (fail_nth(op, nth, times)) nth += is_long() || nth < 4 ? 1 : 17;
      CHECK(nth > 1);
    }
  }
}

TEST_CASE(a_power_cut_takes_nothing_that_was_answered) {
  const auto first = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", 1));
  for (uint32_t seed = first; seed < first + (is_long() ? 200 : 5); ++seed) {
    std::printf("seed %u\n", seed);
    lose_power(seed, false);
  }
}

TEST_CASE(a_disk_whose_syncs_do_nothing_is_found_out) {
  size_t found = 0;
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    try {
      lose_power(seed, true);
    } catch (const bobbin::test::Failure&) {
      ++found;
    }
  }
  CHECK_EQ(found, size_t{5});
}

TEST_CASE(nothing_of_a_group_is_seen_before_its_sync) {
  Fixture f(Fixture::Opened::later);
  f.use_new_disk();
  f.open();
  f.turn("u", "old", "q", "a");
  const Submitted active = f.submit("u", "old", "q2");
  f.turn("u", "gone", "q", "a");
  const auto see = [&] {
    std::vector<std::string> seen = f.sessions("u");
    for (const std::string thread : {"old", "gone", "new"}) {
      const auto summary = CHECK_OK(f.store->find_thread("u", thread, Tier::any));
      seen.push_back(thread + " " + (summary ? summary->preview + std::to_string(summary->updated_us) : "none"));
      for (const std::string& content : f.history("u", thread)) seen.push_back(content);
      for (const QueuedSubmit& waiting : CHECK_OK(f.store->read_queue("u", thread, Tier::any))) {
        seen.push_back("waits " + waiting.content);
      }
      for (const uint32_t run : {50u, 51u, 52u}) {
        const auto info = CHECK_OK(f.store->find_run("u", thread, run_number(run), Tier::any));
        if (info) seen.push_back("run " + std::to_string(static_cast<int>(info->state)));
      }
    }
    const auto first = CHECK_OK(f.store->find_run("u", "old", active.run->run_id, Tier::any));
    seen.push_back("active " + std::to_string(static_cast<int>(first->state)) + first->terminal_event);
    for (const UnfinishedThread& thread : CHECK_OK(f.store->unfinished_threads())) {
      seen.push_back("unfinished " + thread.thread + std::to_string(thread.waiting) + (thread.active ? "a" : ""));
    }
    seen.push_back(std::to_string(f.store->state().last_sequence));
    return seen;
  };
  const std::vector<std::string> before = see();

  const auto make_submit = [](const std::string& thread, uint32_t run) {
    Submit command;
    command.user = "u";
    command.thread = thread;
    command.run_id = run_number(run);
    command.content = "text " + std::to_string(run);
    return command;
  };
  FinishRun finish;
  finish.user = "u";
  finish.thread = "old";
  finish.incarnation = active.incarnation;
  finish.run_id = active.run->run_id;
  finish.answer.emplace().content = "answer";
  Burst burst;
  {
    Plug plug(*f.store);
    burst.add(*f.store, make_submit("old", 50));
    burst.add(*f.store, std::move(finish));
    burst.add(*f.store, make_submit("new", 51));
    burst.add(*f.store, make_submit("new", 52));
    burst.add(*f.store, DeleteThread{"u", "gone"});
    f.disk->hold_syncs();
  }
  f.disk->wait_for_held_sync();
  CHECK(see() == before);
  f.disk->release_syncs();
  for (const auto& reply : burst.finish()) CHECK_OK(reply);
  const std::vector<std::string> after = see();
  CHECK(after != before);
  CHECK((f.history("u", "old") == std::vector<std::string>{"q", "a", "q2", "answer", "text 50"}));
  CHECK((f.sessions("u") == std::vector<std::string>{"new", "old"}));
  CHECK(!f.page("u", "gone").found);
}
