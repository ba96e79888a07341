#include "src/chat/feed_relay.h"

#include "src/base/assert.h"

namespace bobbin::chat {

FeedWatch::FeedWatch(FeedEar& ear, std::string user) : ear_(ear), user_(std::move(user)) { ear_.relay_.add(*this); }

FeedWatch::~FeedWatch() { ear_.relay_.remove(*this); }

void FeedEar::deliver() noexcept {
  // Comes to an end: each piece of news was a commit, which takes the disk longer than this takes to hand it on.
  for (FeedRelay::News news = relay_.take(*this); news.watch != nullptr; news = relay_.take(*this)) {
    news.watch->on_news(news.first_sequence, news.last_sequence);
  }
}

FeedRelay::~FeedRelay() { BOBBIN_ASSERT(watches_.empty()); }

void FeedRelay::on_changes(const std::vector<store::CommittedChange>& changes) noexcept {
  const std::lock_guard lock(mutex_);
  if (watches_.empty()) return;
  for (const store::CommittedChange& change : changes) {
    const auto found = watches_.find(change.user);
    if (found == watches_.end()) continue;
    for (FeedWatch* watch = found->second; watch != nullptr; watch = watch->next_watch_)
      add_news(*watch, change.sequence);
  }
}

void FeedRelay::add_news(FeedWatch& watch, uint64_t sequence) noexcept {
  watch.last_sequence_ = sequence;
  if (watch.first_sequence_ != 0) return;
  watch.first_sequence_ = sequence;
  FeedEar& ear = watch.ear_;
  (ear.first_ == nullptr ? ear.first_ : ear.last_->next_news_) = &watch;
  ear.last_ = &watch;
  if (ear.posted_) return;
  ear.posted_ = true;
  // Under the mutex: once its watches are gone, a worker is sent no more mail, and may end.
  ear.loop_.mailbox().post(ear);
}

void FeedRelay::add(FeedWatch& watch) {
  const std::lock_guard lock(mutex_);
  FeedWatch*& first = watches_[watch.user_];
  watch.next_watch_ = first;
  first = &watch;
}

void FeedRelay::remove(FeedWatch& watch) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(watch.user_);
  BOBBIN_ASSERT(found != watches_.end());
  FeedWatch** link = &found->second;
  while (*link != &watch) link = &(*link)->next_watch_;
  *link = watch.next_watch_;
  if (found->second == nullptr) watches_.erase(found);
  if (watch.first_sequence_ == 0) return;
  FeedEar& ear = watch.ear_;
  FeedWatch* before = nullptr;
  for (FeedWatch* at = ear.first_; at != &watch; at = at->next_news_) before = at;
  (before == nullptr ? ear.first_ : before->next_news_) = watch.next_news_;
  if (ear.last_ == &watch) ear.last_ = before;
}

FeedRelay::News FeedRelay::take(FeedEar& ear) noexcept {
  const std::lock_guard lock(mutex_);
  FeedWatch* const watch = ear.first_;
  if (watch == nullptr) {
    ear.posted_ = false;
    return {};
  }
  const News news{.watch = watch, .first_sequence = watch->first_sequence_, .last_sequence = watch->last_sequence_};
  ear.first_ = watch->next_news_;
  if (ear.first_ == nullptr) ear.last_ = nullptr;
  watch->next_news_ = nullptr;
  watch->first_sequence_ = 0;
  return news;
}

}  // namespace bobbin::chat
