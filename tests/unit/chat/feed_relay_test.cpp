// The relay from the store's writer to the workers: who is told what, with how many mails. Real loops, stepped.
#include "src/chat/feed_relay.h"

#include <thread>
#include <utility>
#include <vector>

#include "tests/support/test.h"

namespace bobbin::chat {
namespace {

using News = std::pair<uint64_t, uint64_t>;

struct TestWatch final : FeedWatch {
  TestWatch(FeedEar& ear, const std::string& user) : FeedWatch(ear, user) {}
  void on_news(uint64_t first, uint64_t last) noexcept override { news.emplace_back(first, last); }
  std::vector<News> news;
};

struct TestWorker {
  explicit TestWorker(FeedRelay& relay) : ear(relay, loop) {}
  ~TestWorker() {
    loop.close();
    loop.run();
  }
  // Waits for a mail, and takes it.
  void take_mail() { uv_run(loop.uv(), UV_RUN_ONCE); }
  Loop loop;
  FeedEar ear;
};

std::vector<store::CommittedChange> changes(uint64_t first, const std::vector<std::string>& users) {
  std::vector<store::CommittedChange> out;
  for (const std::string& user : users)
    out.push_back({.sequence = first++, .operation = store::ChangeOperation::run_started, .user = user});
  return out;
}

}  // namespace

TEST_CASE(only_workers_that_watch_the_user_are_told) {
  FeedRelay relay;
  TestWorker one(relay);
  TestWorker other(relay);
  TestWatch anna(one.ear, "anna");
  TestWatch bob(other.ear, "bob");
  TestWatch anna_too(other.ear, "anna");
  relay.on_changes(changes(7, {"anna", "carol", "bob"}));
  CHECK(anna.news.empty());  // not before its loop has turned
  one.take_mail();
  other.take_mail();
  CHECK(anna.news == std::vector<News>({{7, 7}}));
  CHECK(anna_too.news == std::vector<News>({{7, 7}}));
  CHECK(bob.news == std::vector<News>({{9, 9}}));
  relay.on_changes(changes(10, {"carol"}));
  CHECK(!one.loop.run_once() || anna.news.size() == 1);
}

TEST_CASE(what_comes_before_a_worker_looks_is_one_piece_of_news_for_each_user) {
  FeedRelay relay;
  TestWorker worker(relay);
  TestWatch anna(worker.ear, "anna");
  TestWatch bob(worker.ear, "bob");
  for (uint64_t i = 0; i < 1000; ++i) relay.on_changes(changes(2 * i + 1, {"bob", "anna"}));
  worker.take_mail();
  CHECK(bob.news == std::vector<News>({{1, 1999}}));
  CHECK(anna.news == std::vector<News>({{2, 2000}}));
  relay.on_changes(changes(2001, {"anna"}));
  worker.take_mail();
  CHECK(anna.news.back() == News(2001, 2001));
  CHECK_EQ(anna.news.size(), size_t{2});
}

TEST_CASE(a_watch_that_goes_takes_its_news_with_it_and_leaves_those_of_others) {
  FeedRelay relay;
  TestWorker worker(relay);
  // Whichever of three goes, the news of the two others arrives.
  for (size_t gone = 0; gone < 3; ++gone) {
    std::optional<TestWatch> watches[3];
    for (size_t i = 0; i < 3; ++i) watches[i].emplace(worker.ear, i == 1 ? "same" : "u" + std::to_string(i));
    TestWatch same(worker.ear, "same");
    relay.on_changes(changes(1, {"u0", "same", "u2"}));
    watches[gone].reset();
    relay.on_changes(changes(4, {"same"}));
    worker.take_mail();
    for (size_t i = 0; i < 3; ++i) {
      if (i == gone) continue;
      CHECK(watches[i]->news == std::vector<News>({i == 1 ? News(2, 4) : News(i + 1, i + 1)}));
    }
    CHECK(same.news == std::vector<News>({{2, 4}}));
  }
  // All gone with the mail on its way: it finds nothing, and the next one comes.
  {
    TestWatch anna(worker.ear, "anna");
    relay.on_changes(changes(9, {"anna"}));
  }
  worker.take_mail();
  TestWatch anna(worker.ear, "anna");
  relay.on_changes(changes(10, {"anna"}));
  worker.take_mail();
  CHECK(anna.news == std::vector<News>({{10, 10}}));
}

TEST_CASE(no_change_is_lost_between_a_writer_and_workers_that_look_at_their_own_pace) {
  constexpr uint64_t kChanges = 20'000;
  FeedRelay relay;
  TestWorker worker(relay);
  TestWatch anna(worker.ear, "anna");
  std::thread writer([&] {
    for (uint64_t i = 1; i <= kChanges; ++i) relay.on_changes(changes(i, {"anna"}));
  });
  // Each piece begins right after the one before: nothing is told twice, nothing is left out.
  while (anna.news.empty() || anna.news.back().second != kChanges) worker.take_mail();
  writer.join();
  uint64_t next = 1;
  for (const auto& [first, last] : anna.news) {
    CHECK_EQ(first, next);
    CHECK(last >= first);
    next = last + 1;
  }
}

}  // namespace bobbin::chat
