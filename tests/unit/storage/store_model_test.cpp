// A random walk beside a model: the same commands go to the store and to plain std::map, in bursts so that groups form.
// Every answer must be the same; histories, lists and queues are compared as it goes, also after an orderly end, after
// a kill (all that was written is there) and after a power cut (all that was synced is there, of the rest some).
//
// Prints its seed; takes one from BOBBIN_TEST_SEED, the number of operations from BOBBIN_TEST_OPERATIONS.
// BOBBIN_TEST_LONG=1: a million operations with about a thousand ends.
#include <cstdio>

#include "tests/unit/storage/store_model.h"

using namespace bobbin;
using namespace bobbin::store;
using namespace bobbin::store::test;
using bobbin::test::FaultFileSystem;

namespace {

class Walk {
 public:
  Walk(uint32_t seed, size_t bursts_per_end)
      : maker_(seed), bursts_per_end_(bursts_per_end), f_(Fixture::Opened::later) {
    f_.options.block_cache_bytes = 1024 * 1024;
    f_.use_new_disk();
    f_.open();
  }

  void run(size_t operations) {
    for (size_t made = 0; made < operations;) {
      const bool will_end = maker_.below(bursts_per_end_) == 0;
      const size_t how = maker_.below(3);
      if (will_end && how != 0) {
        made += burst_into_the_end(how == 1);
      } else {
        made += burst();
        if (will_end) reopen();
      }
      maker_.move_clock();
      if (maker_.below(100) == 0) CHECK_OK(f_.store->keep_house());
      if (maker_.below(20) == 0) compare(maker_.users()[maker_.below(maker_.users().size())]);
    }
    compare_all();
    std::printf("%zu reopened, %zu killed, %zu without power\n", reopened_, killed_, unpowered_);
  }

 private:
  size_t burst() {
    std::optional<Plug> plug;
    if (maker_.below(2) == 0) plug.emplace(*f_.store);  // all of the burst is one group then
    Burst burst;
    std::vector<std::string> expected;
    const size_t size = 1 + maker_.below(24);
    for (size_t i = 0; i < size; ++i) {
      int parent_index = 0;
      Command command = maker_.make(model_, parent_index);
      expected.push_back(model_.apply(command, parent_index));
      burst.add(*f_.store, std::move(command));
    }
    plug.reset();
    const auto replies = burst.finish();
    for (size_t i = 0; i < replies.size(); ++i) CHECK_EQ(describe(replies[i]), expected[i]);
    CHECK_EQ(f_.store->state().last_sequence, model_.sequence);
    maker_.learn_ids(f_, model_);
    return size;
  }

  // The disk dies at one of the next writes or syncs. What was answered before is there afterwards, in order, and of
  // the rest a beginning: the state is that after some number of commands, not below that of the answered ones.
  size_t burst_into_the_end(bool kill) {
    const auto op = maker_.below(2) == 0 ? FaultFileSystem::Op::write : FaultFileSystem::Op::sync;
    f_.disk->fail(op, 1 + maker_.below(12), FaultFileSystem::Fault::io, FaultFileSystem::Times::from_then_on);
    std::vector<Model> moments{model_};
    size_t answered = 0;
    {
      Burst burst;
      std::vector<std::string> expected;
      const size_t size = 1 + maker_.below(24);
      for (size_t i = 0; i < size; ++i) {
        int parent_index = 0;
        Command command = maker_.make(model_, parent_index);
        expected.push_back(model_.apply(command, parent_index));
        if (!burst.try_add(*f_.store, std::move(command))) {
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
    const auto cut = kill                   ? FaultFileSystem::Cut::random
                     : maker_.below(3) == 0 ? FaultFileSystem::Cut::pessimistic
                     : maker_.below(2) == 0 ? FaultFileSystem::Cut::random
                                            : FaultFileSystem::Cut::torn;
    f_.disk->die();
    f_.abandon();
    if (!kill) f_.disk->lose_power(cut, static_cast<uint32_t>(maker_.below(1u << 30)));
    ++(kill ? killed_ : unpowered_);
    f_.use_new_disk();
    f_.open();
    const size_t made = moments.size();
    settle(std::move(moments), answered);
    return made;
  }

  // Finds the moment that the store is at.
  void settle(std::vector<Model> moments, size_t answered) {
    std::string why = "no moment has this many changes";
    for (size_t at = answered; at < moments.size(); ++at) {
      if (moments[at].sequence + moments[at].active_runs() != f_.store->state().last_sequence) continue;
      model_ = std::move(moments[at]);
      model_.reopen();
      try {
        compare_all();
        return;
      } catch (const bobbin::test::Failure& failure) {
        why = failure.what();
      }
    }
    bobbin::test::fail_check(__FILE__, __LINE__, "the store is at no moment after what was answered: " + why);
  }

  void reopen() {
    ++reopened_;
    f_.reopen();
    model_.reopen();
    CHECK_EQ(f_.store->state().last_sequence, model_.sequence);
    compare_all();
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
  const size_t bursts_per_end_;
  Fixture f_;
  Model model_;
  size_t reopened_ = 0;
  size_t killed_ = 0;
  size_t unpowered_ = 0;
};

}  // namespace

TEST_CASE(a_random_walk_never_differs_from_the_model) {
  const bool is_long = from_environment("BOBBIN_TEST_LONG", 0) != 0;
  const auto seed = static_cast<uint32_t>(from_environment("BOBBIN_TEST_SEED", std::random_device{}()));
  const uint64_t operations = from_environment("BOBBIN_TEST_OPERATIONS", is_long ? 1'000'000 : 20'000);
  std::printf("seed %u, %llu operations\n", seed, static_cast<unsigned long long>(operations));
  std::fflush(stdout);
  Walk(seed, 75).run(operations);
}
