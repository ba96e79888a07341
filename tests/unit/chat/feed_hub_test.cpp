// The live feed of one worker: a real store whose writer tells a real hub on a stepped loop. Every follower gets every
// change of its user after its start, in order and once, however slow it is and whoever else comes and goes.
#include "src/chat/feed_hub.h"

#include <random>

#include "tests/unit/storage/store_fixture.h"

namespace bobbin::chat {
namespace {

using store::test::Fixture;

// What one follower was told. Outlives the world.
struct Seen {
  struct Told {
    uint64_t sequence;
    std::string json;
  };
  std::vector<Told> events;
  size_t room = SIZE_MAX;  // events that it takes before it is slow
  bool is_over = false;    // on_end() came
  bool is_gone = false;    // destroyed
  FeedFollower* follower = nullptr;

  [[nodiscard]] std::vector<uint64_t> sequences() const {
    std::vector<uint64_t> out;
    for (const Told& one : events) out.push_back(one.sequence);
    return out;
  }
};

class Recorder final : public FeedFollower {
 public:
  explicit Recorder(Seen& seen) : seen_(seen) { seen.follower = this; }
  ~Recorder() override { seen_.is_gone = true; }
  Taken on_event(uint64_t sequence, std::string_view json) noexcept override {
    seen_.events.push_back({sequence, std::string(json)});
    return seen_.room > 0 && --seen_.room > 0 ? Taken::ok : Taken::slow;
  }
  void on_end() noexcept override { seen_.is_over = true; }

 private:
  Seen& seen_;
};

class World {
 public:
  explicit World(uint64_t changes_kept_max = 1'000'000) : fixture(Fixture::Opened::later) {
    fixture.options.listener = &relay_;
    fixture.options.changes_kept_max = changes_kept_max;
    fixture.open();
    hub.emplace(loop, pool_, *fixture.store, relay_);
  }
  ~World() {
    if (!hub->is_draining()) hub->begin_drain();
    const Completion& closed = hub->close();
    run_until([&] { return closed.is_done(); });
    loop.close();
    loop.run();
    hub.reset();
  }
  void follow(Seen& seen, std::optional<uint64_t> after, const std::string& user = "u") {
    hub->follow(user, after, std::make_unique<Recorder>(seen));
  }
  template <class Condition>
  void run_until(Condition is_reached) {
    while (!is_reached()) {
      loop.run_once();
      if (!is_reached()) uv_run(loop.uv(), UV_RUN_ONCE);
    }
  }
  void wait_for(const Seen& seen, size_t count) {
    run_until([&] { return seen.events.size() >= count; });
  }
  // A change of `user`.
  void change(const std::string& user = "u") {
    CHECK_OK(fixture.store->execute(store::ChangeSetting{user, std::string("keep_days"), "7"}));
  }
  // The sequences of the user's feed after `after`.
  std::vector<uint64_t> feed(const std::string& user, uint64_t after = 0) {
    const store::FeedPage page = CHECK_OK(fixture.store->read_feed(user, after, 1'000'000));
    CHECK(!page.lost);
    std::vector<uint64_t> out;
    for (const store::FeedEvent& event : page.events) out.push_back(event.sequence);
    return out;
  }

 private:
  FeedRelay relay_;

 public:
  Fixture fixture;
  Loop loop;
  std::optional<FeedHub> hub;

 private:
  BlockingPool pool_{2, 64};
};

constexpr std::string_view kSetting = R"({"type":"setting_changed","timestamp":")";

}  // namespace

TEST_CASE(a_follower_without_a_place_begins_with_ready_and_sees_what_comes) {
  Seen seen;
  World world;
  world.change();
  world.follow(seen, std::nullopt);
  CHECK_EQ(seen.events.size(), size_t{1});
  CHECK_EQ(seen.events[0].json, kFeedReadyEvent);
  CHECK_EQ(seen.events[0].sequence, uint64_t{1});
  world.change("somebody else");
  world.change();
  world.wait_for(seen, 2);
  CHECK_EQ(seen.events[1].sequence, uint64_t{3});
  CHECK(seen.events[1].json.starts_with(kSetting));
}

TEST_CASE(a_session_stands_with_the_events_of_its_own_life_only) {
  Seen seen;
  World world;
  const store::Submitted first = world.fixture.submit("u", "t", "dead");
  CHECK(first.run.has_value());
  CHECK_OK(world.fixture.delete_thread("u", "t"));
  world.fixture.submit("u", "t", "alive");
  world.follow(seen, 0);
  world.wait_for(seen, 3);
  CHECK(seen.events[0].json.find("\"session\"") == std::string::npos);
  CHECK(seen.events[1].json.starts_with(R"({"type":"thread_deleted","thread_id":"t","timestamp":)"));
  CHECK(seen.events[1].json.find("\"session\"") == std::string::npos);
  CHECK(seen.events[2].json.find(R"("session":{"id":"t","title":"alive")") != std::string::npos);
}

TEST_CASE(a_slow_follower_is_told_nothing_more_until_it_has_room_and_delays_nobody) {
  Seen slow;
  Seen live;
  World world;
  slow.room = 3;
  world.follow(slow, std::nullopt);
  world.follow(live, std::nullopt);
  for (int i = 0; i < 500; ++i) world.change();
  world.wait_for(live, 501);
  CHECK_EQ(slow.events.size(), size_t{3});
  for (size_t taken = 3; taken < 501; taken += 50) {
    slow.room = 50;
    world.hub->resume(*slow.follower);
    world.wait_for(slow, std::min(taken + 50, size_t{501}));
  }
  CHECK(slow.sequences() == live.sequences());
  world.change();  // the last of its room is used up
  world.wait_for(live, 502);
  slow.room = SIZE_MAX;
  world.hub->resume(*slow.follower);
  world.wait_for(slow, 502);
  CHECK(slow.sequences() == live.sequences());
}

TEST_CASE(who_asks_for_what_is_trimmed_is_told_to_read_anew_and_who_was_there_is_not) {
  Seen live;
  Seen late;
  Seen beyond;
  World world(10);
  world.change();
  world.follow(live, std::nullopt);
  for (int i = 0; i < 50; ++i) world.change("somebody else");
  CHECK_OK(world.fixture.store->keep_house());
  CHECK(CHECK_OK(world.fixture.store->read_feed("u", 1, 1)).lost);
  world.follow(late, 1);
  world.wait_for(late, 1);
  CHECK_EQ(late.events[0].json, kFeedResyncEvent);
  CHECK_EQ(late.events[0].sequence, uint64_t{51});
  world.follow(beyond, UINT64_MAX);
  world.wait_for(beyond, 1);
  CHECK_EQ(beyond.events[0].json, kFeedResyncEvent);
  world.change();
  for (const Seen* seen : {&live, &late, &beyond}) {
    world.wait_for(*seen, 2);
    CHECK_EQ(seen->events[1].sequence, uint64_t{52});
    CHECK(seen->events[1].json.starts_with(kSetting));
  }
}

TEST_CASE(followers_are_forgotten_at_once_and_drain_ends_the_rest) {
  Seen left;
  Seen reads;
  Seen stays;
  World world;
  world.change();
  world.follow(left, std::nullopt);
  world.hub->remove(*left.follower);
  CHECK(left.is_gone && !left.is_over);
  CHECK_EQ(world.hub->follower_count(), size_t{0});
  world.follow(reads, 0);
  world.hub->remove(*reads.follower);
  CHECK(!reads.is_gone);  // its read is under way
  world.run_until([&] { return reads.is_gone; });
  CHECK(reads.events.empty());
  world.follow(stays, 0);
  world.hub->begin_drain();
  CHECK(stays.is_over && stays.events.empty());
  world.run_until([&] { return stays.is_gone; });
}

TEST_CASE(whoever_comes_goes_and_stalls_each_has_the_whole_feed_from_its_place_once) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::stoul(given)) : std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  struct Follower {
    Seen seen;
    std::string user;
    uint64_t start = 0;
    bool has_ready = false;
  };
  const std::vector<std::string> users{"u", "v", "w"};
  std::vector<std::unique_ptr<Follower>> followers;
  World world;
  for (int step = 0; step < 2000; ++step) {
    const size_t kind = random() % 20;
    Follower* const one = followers.empty() ? nullptr : followers[random() % followers.size()].get();
    const bool has_one = one != nullptr && !one->seen.is_gone;
    if (kind < 8) {
      world.change(users[random() % users.size()]);
    } else if (kind < 10) {
      Follower& added = *followers.emplace_back(std::make_unique<Follower>());
      added.user = users[random() % users.size()];
      added.has_ready = random() % 2 == 0;
      const uint64_t newest = world.fixture.store->state().last_sequence;
      added.start = added.has_ready ? newest : random() % (newest + 1);
      if (random() % 2 == 0) added.seen.room = 1 + random() % 5;
      world.follow(added.seen, added.has_ready ? std::nullopt : std::optional(added.start), added.user);
    } else if (has_one && kind < 13) {
      if (one->seen.room == 0) {
        one->seen.room = 1 + random() % 5;
        world.hub->resume(*one->seen.follower);
      }
    } else if (has_one && kind == 13) {
      if (followers.size() > 10) {
        world.hub->remove(*one->seen.follower);
        world.run_until([&] { return one->seen.is_gone; });
      }
    } else {
      static_cast<void>(world.loop.run_once());
    }
  }
  for (const auto& one : followers) {
    const std::vector<uint64_t> feed = world.feed(one->user, one->start);
    const size_t extra = one->has_ready ? 1 : 0;
    if (!one->seen.is_gone) {
      const bool was_slow = one->seen.room == 0;
      one->seen.room = SIZE_MAX;
      if (was_slow) world.hub->resume(*one->seen.follower);
      world.wait_for(one->seen, feed.size() + extra);
    }
    std::vector<uint64_t> got = one->seen.sequences();
    if (one->has_ready && !got.empty()) {
      CHECK_EQ(got[0], one->start);
      got.erase(got.begin());
    }
    // Who left has the beginning, who stayed has all.
    CHECK(got.size() <= feed.size() && std::equal(got.begin(), got.end(), feed.begin()));
    CHECK(one->seen.is_gone || got.size() == feed.size());
  }
}

}  // namespace bobbin::chat
