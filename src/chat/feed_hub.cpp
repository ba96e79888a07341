#include "src/chat/feed_hub.h"

#include <algorithm>
#include <vector>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/loop/spawn.h"

namespace bobbin::chat {

// One user's feed on this worker: there for as long as somebody follows it, or a read of it is under way.
struct FeedTopic final : FeedWatch {
  FeedTopic(FeedHub& hub_in, FeedEar& ear, const std::string& user) : FeedWatch(ear, user), hub(hub_in) {}
  void on_news(uint64_t first_sequence, uint64_t last_sequence) noexcept override {
    hub.on_news(*this, first_sequence, last_sequence);
  }
  using FeedWatch::user;

  FeedHub& hub;
  std::vector<std::unique_ptr<FeedFollower>> followers;
  // The newest change that we were told of. Whoever is live has it, or read_live() is at work.
  uint64_t newest = 0;
  bool reading = false;  // read_live() is at work
};

FeedHub::FeedHub(Loop& loop, BlockingPool& pool, store::Store& store, FeedRelay& relay)
    : loop_(loop), pool_(pool), store_(store), ear_(relay, loop) {}

FeedHub::~FeedHub() { BOBBIN_ASSERT(topics_.empty()); }

FeedTopic& FeedHub::topic_of(const std::string& user) {
  std::unique_ptr<FeedTopic>& topic = topics_[user];
  if (!topic) topic = std::make_unique<FeedTopic>(*this, ear_, user);
  return *topic;
}

size_t FeedHub::follower_count() const noexcept {
  size_t count = 0;
  for (const auto& [user, topic] : topics_) count += topic->followers.size();
  return count;
}

void FeedHub::follow(const std::string& user, std::optional<uint64_t> after, std::unique_ptr<FeedFollower> follower) {
  BOBBIN_ASSERT(!draining_);
  // First the watch, then the position: what comes after the position is then news.
  FeedTopic& topic = topic_of(user);
  FeedFollower& added = *topic.followers.emplace_back(std::move(follower));
  metrics::add(metrics::Gauge::feeds_open, 1);
  added.topic_ = &topic;
  if (after) {
    added.cursor_ = *after;
    begin_catch_up(added);
    return;
  }
  added.state_ = FeedFollower::State::live;
  const uint64_t position = std::max(store_.state().last_sequence, topic.newest);
  tell(added, position, kFeedReadyEvent);
  sweep(topic);
}

void FeedHub::resume(FeedFollower& follower) {
  if (follower.gone_ || follower.state_ != FeedFollower::State::slow) return;
  follower.state_ = FeedFollower::State::behind;
  begin_catch_up(follower);
}

void FeedHub::remove(FeedFollower& follower) {
  follower.gone_ = true;
  sweep(*follower.topic_);
}

void FeedHub::begin_drain() {
  draining_ = true;
  for (auto at = topics_.begin(); at != topics_.end();) {
    FeedTopic& topic = *at->second;
    ++at;  // the topic may go
    for (const auto& follower : topic.followers) end(*follower);
    sweep(topic);
  }
}

void FeedHub::on_news(FeedTopic& topic, uint64_t first_sequence, uint64_t last_sequence) {
  if (!topic.reading) {
    // Whoever is live has all that was told before, and there is nothing between that and the first of these. So a
    // follower to whom nothing happened for weeks is not lost for what was trimmed meanwhile.
    for (const auto& follower : topic.followers) {
      if (follower->state_ == FeedFollower::State::live)
        follower->cursor_ = std::max(follower->cursor_, first_sequence - 1);
    }
  }
  topic.newest = std::max(topic.newest, last_sequence);
  if (topic.reading) return;
  topic.reading = true;
  spawn(work_, read_live(topic));
}

Task<void> FeedHub::read_live(FeedTopic& topic) {
  for (;;) {
    uint64_t after = topic.newest;
    for (const auto& follower : topic.followers) {
      if (!follower->gone_ && follower->state_ == FeedFollower::State::live) after = std::min(after, follower->cursor_);
    }
    if (after == topic.newest) break;
    FeedRead read(store_, topic.user(), after);
    const Result<FeedBatch> batch = co_await read.run(pool_, loop_);
    if (!batch)
      log::error("a feed cannot be read", {{"code", code_name(batch.error().code)}, {"user_id", topic.user()}});
    for (const auto& follower : topic.followers) {
      if (follower->gone_ || follower->state_ != FeedFollower::State::live) continue;
      batch ? hand_out(*follower, *batch) : end(*follower);
    }
    erase_gone(topic);
  }
  topic.reading = false;
  sweep(topic);
}

void FeedHub::begin_catch_up(FeedFollower& follower) {
  BOBBIN_ASSERT(!follower.reading_);
  follower.reading_ = true;
  spawn(work_, catch_up(follower));
}

Task<void> FeedHub::catch_up(FeedFollower& follower) {
  FeedTopic& topic = *follower.topic_;
  while (!follower.gone_ && follower.state_ == FeedFollower::State::behind) {
    FeedRead read(store_, topic.user(), follower.cursor_);
    const Result<FeedBatch> batch = co_await read.run(pool_, loop_);
    if (follower.gone_) break;
    if (!batch) {
      log::error("a feed cannot be read", {{"code", code_name(batch.error().code)}, {"user_id", topic.user()}});
      end(follower);
      break;
    }
    hand_out(follower, *batch);
    // What the live ones were told of while this read was under way is not news any more: it has to be read as well.
    const bool has_all = (batch->is_whole || batch->lost) && follower.cursor_ >= topic.newest;
    if (has_all && follower.state_ == FeedFollower::State::behind) follower.state_ = FeedFollower::State::live;
  }
  follower.reading_ = false;
  sweep(topic);
}

bool FeedHub::tell(FeedFollower& follower, uint64_t sequence, std::string_view json) {
  const FeedFollower::Taken taken = follower.on_event(sequence, json);
  if (taken == FeedFollower::Taken::gone) {
    follower.gone_ = true;
    return false;
  }
  follower.cursor_ = sequence;
  if (taken == FeedFollower::Taken::slow) follower.state_ = FeedFollower::State::slow;
  return taken == FeedFollower::Taken::ok;
}

void FeedHub::hand_out(FeedFollower& follower, const FeedBatch& batch) {
  if (batch.lost) {
    tell(follower, batch.last_sequence, kFeedResyncEvent);
    return;
  }
  for (size_t i = 0; i < batch.items.size(); ++i) {
    const uint64_t sequence = batch.items[i].sequence;
    if (sequence > follower.cursor_ && !tell(follower, sequence, batch.json_of(i))) return;
  }
  if (batch.is_whole) follower.cursor_ = std::max(follower.cursor_, batch.last_sequence);
}

void FeedHub::end(FeedFollower& follower) {
  if (follower.gone_) return;
  follower.gone_ = true;
  follower.on_end();
}

void FeedHub::erase_gone(FeedTopic& topic) {
  const size_t erased =
      std::erase_if(topic.followers, [](const auto& follower) { return follower->gone_ && !follower->reading_; });
  metrics::add(metrics::Gauge::feeds_open, -static_cast<int64_t>(erased));
}

void FeedHub::sweep(FeedTopic& topic) {
  erase_gone(topic);
  if (topic.followers.empty() && !topic.reading) topics_.erase(topics_.find(topic.user()));
}

}  // namespace bobbin::chat
