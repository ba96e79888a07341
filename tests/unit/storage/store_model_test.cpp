// A random walk beside a model: the same commands go to the store and to plain std::map, in bursts so that groups form.
// Every answer must be the same; histories, lists and queues are compared as it goes, also after an orderly end, after
// a kill (all that was written is there) and after a power cut (all that was synced is there, of the rest some).
//
// Beside the commands, running answers say tokens into the run log, which their messages must have after every end; a
// follower keeps a copy of all threads, which is the store's in the end; and housekeeping erases, and trims the change
// log so far that the follower is lost at times.
//
// Prints its seed; takes one from BOBBIN_TEST_SEED, the number of operations from BOBBIN_TEST_OPERATIONS.
// BOBBIN_TEST_LONG=1: a million operations with about a thousand ends.
#include <cstdio>

#include "tests/unit/storage/replica.h"
#include "tests/unit/storage/speaker.h"
#include "tests/unit/storage/store_model.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;

namespace {

constexpr size_t kBurstsPerEnd = 75;

class Walk {
 public:
  enum class End : uint8_t { orderly, kill, power_cut };

  explicit Walk(uint32_t seed) : maker_(seed), f_(Fixture::Opened::later), replica_(seed) {
    f_.options.block_cache_bytes = 1024 * 1024;
    f_.options.changes_kept_max = 300;
    f_.use_new_disk();
    f_.open();
    replica_.begin(*f_.store);
    speaker_.begin(*f_.store);
  }

  void run(size_t operations) {
    for (size_t made = 0; made < operations;) {
      const bool will_end = maker_.below(kBurstsPerEnd) == 0;
      const auto how = static_cast<End>(maker_.below(3));
      if (will_end && how != End::orderly) {
        made += burst_into_the_end(how);
      } else {
        made += burst();
        if (will_end) reopen();
      }
      maker_.move_clock();
      if (maker_.below(3) == 0) say_something();
      if (maker_.below(4) == 0) CHECK_OK(replica_.step(*f_.store));
      if (maker_.below(100) == 0) CHECK_OK(f_.store->keep_house());
      if (maker_.below(20) == 0) compare(maker_.users()[maker_.below(maker_.users().size())]);
    }
    compare_all();
    while (CHECK_OK(replica_.step(*f_.store))) {
    }
    replica_.check_equal(f_, maker_.users());
    std::printf("%zu reopened, %zu killed, %zu without power; follower lost %zu times; %zu answers cut short\n",
                ends_[0], ends_[1], ends_[2], replica_.lost(), cut_answers_);
    for (const auto& [what, count] : answers_) std::printf("%8zu %s\n", count, what.c_str());
  }

 private:
  std::string make(std::vector<Command>& commands) {
    int parent_index = 0;
    commands.push_back(maker_.make(model_, parent_index));
    std::string answer = model_.apply(commands.back(), parent_index);
    ++answers_[answer.substr(0, answer.starts_with("error") ? std::string::npos : answer.find(' '))];
    return answer;
  }

  size_t burst() {
    std::optional<Plug> plug;
    if (maker_.below(2) == 0) plug.emplace(*f_.store);  // all of the burst is one group then
    Burst burst;
    std::vector<std::string> expected;
    const size_t size = 1 + maker_.below(24);
    for (size_t i = 0; i < size; ++i) {
      std::vector<Command> one;
      expected.push_back(make(one));
      burst.add(*f_.store, std::move(one[0]));
    }
    plug.reset();
    const auto replies = burst.finish();
    for (size_t i = 0; i < replies.size(); ++i) CHECK_EQ(describe(replies[i]), expected[i]);
    CHECK_EQ(f_.store->state().last_sequence, model_.sequence);
    maker_.learn_ids(f_, model_);
    speaker_.end_runs(model_);
    return size;
  }

  void say_something() {
    CHECK_OK(speaker_.say(model_, maker_));
    if (maker_.below(4) == 0) CHECK_OK(speaker_.sync(*f_.store));
  }

  // The disk dies at one of the next writes or syncs. What was answered before is there afterwards, in order, and of
  // the rest a beginning: the state is that after some number of commands, not below that of the answered ones.
  size_t burst_into_the_end(End how) {
    const auto op = maker_.below(2) == 0 ? FaultFileSystem::Op::write : FaultFileSystem::Op::sync;
    f_.disk->fail(op, 1 + maker_.below(12), FaultFileSystem::Fault::io, FaultFileSystem::Times::from_then_on);
    std::vector<Model> moments{model_};
    size_t answered = 0;
    {
      Burst burst;
      std::vector<std::string> expected;
      const size_t size = 1 + maker_.below(24);
      for (size_t i = 0; i < size; ++i) {
        std::vector<Command> one;
        expected.push_back(make(one));
        if (!burst.try_add(*f_.store, std::move(one[0]))) {
          model_ = moments.back();
          break;
        }
        moments.push_back(model_);
      }
      const auto replies = burst.finish();
      for (size_t i = 0; i < replies.size(); ++i) {
        if (!replies[i] && replies[i].error().code == Code::io) continue;
        CHECK_EQ(describe(replies[i]), expected[i]);
        CHECK(answered == i);  // in order: none after a failed one
        answered = i + 1;
      }
    }
    using Cut = FaultFileSystem::Cut;
    const Cut cut = std::array{Cut::pessimistic, Cut::random, Cut::torn}[maker_.below(3)];
    f_.disk->die();
    speaker_.end();
    f_.abandon();
    if (how == End::power_cut) f_.disk->lose_power(cut, static_cast<uint32_t>(maker_.below(1u << 30)));
    f_.use_new_disk();
    f_.open();
    const size_t made = moments.size();
    settle(std::move(moments), answered, how);
    return made;
  }

  void reopen() {
    speaker_.end();
    f_.store.reset();
    f_.open();
    settle({model_}, 0, End::orderly);
  }

  // Finds the moment that the store is at.
  void settle(std::vector<Model> moments, size_t answered, End how) {
    ++ends_[static_cast<size_t>(how)];
    std::string why = "no moment has this many changes";
    for (size_t at = answered; at < moments.size(); ++at) {
      if (moments[at].sequence + moments[at].active_runs() != f_.store->state().last_sequence) continue;
      model_ = std::move(moments[at]);
      try {
        using Survived = Speaker::Survived;
        const auto survived = how == End::power_cut ? Survived::what_was_synced : Survived::what_was_told;
        const auto texts = speaker_.check_recovered(f_, model_, survived);
        model_.reopen(texts);
        compare_all();
        CHECK(replica_.position() <= model_.sequence);  // what it saw is still there
        for (const auto& [run_id, text] : texts) cut_answers_ += text.empty() ? 0 : 1;
        speaker_.begin(*f_.store);
        return;
      } catch (const bobbin::test::Failure& failure) {
        why = failure.what();
      }
    }
    bobbin::test::fail_check(__FILE__, __LINE__, "the store is at no moment after what was answered: " + why);
  }

  void compare(const std::string& user) {
    check_like_model(f_, model_, user, static_cast<uint32_t>(1 + maker_.below(30)),
                     static_cast<uint32_t>(1 + maker_.below(6)));
  }
  void compare_all() {
    for (const std::string& user : maker_.users()) compare(user);
    size_t unfinished = 0;
    for (const auto& [key, thread] : model_.threads) {
      if (!thread.waiting.empty() || thread.active) ++unfinished;
    }
    CHECK_EQ(CHECK_OK(f_.store->unfinished_threads()).size(), unfinished);
  }

  CommandMaker maker_;
  Fixture f_;
  Model model_;
  Replica replica_;
  Speaker speaker_;
  std::array<size_t, 3> ends_{};
  size_t cut_answers_ = 0;
  std::map<std::string, size_t> answers_;  // how often each kind was expected
};

}  // namespace

TEST_CASE(a_random_walk_never_differs_from_the_model) {
  const bool is_long = from_environment("BOBBIN_TEST_LONG", 0) != 0;
  const auto seed = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", std::random_device{}()));
  const uint64_t operations = from_environment("BOBBIN_TEST_OPERATIONS", is_long ? 1'000'000 : 10'000);
  std::printf("seed %u, %llu operations\n", seed, static_cast<unsigned long long>(operations));
  std::fflush(stdout);
  Walk(seed).run(operations);
}
