#pragma once

#include <map>
#include <random>

#include "tests/unit/storage/store_fixture.h"

namespace bobbin::store::test {

// A follower that keeps all threads, as storage/follow.h says how to.
class Replica {
 public:
  explicit Replica(uint32_t seed) : random_(seed) {}

  void begin(Store& store) {
    position_ = store.state().last_sequence;
    cursor_.reset();
    snapshot_done_ = false;
    threads_.clear();
  }
  [[nodiscard]] uint64_t position() const { return position_; }
  // How often it fell behind what is kept, and began again.
  [[nodiscard]] size_t lost() const { return lost_; }
  // Some of what is left to do. False: nothing is. Errors: of the store; the same step can be tried again.
  Result<bool> step(Store& store) {
    if (!snapshot_done_) {
      TRY_ASSIGN(const SnapshotPiece piece, store.read_snapshot(cursor_, 1 + random_() % 2000));
      for (const FollowedRow& row : piece.rows) apply(row);
      cursor_ = piece.next;
      snapshot_done_ = !cursor_;
      return true;
    }
    TRY_ASSIGN(const ChangesPage page, store.read_changes(position_, 1 + random_() % 20, 4096));
    if (page.lost) {
      CHECK(position_ <= page.last_sequence);  // nothing is seen that could go again
      ++lost_;
      begin(store);
      return true;
    }
    for (const ChangeEntry& change : page.changes) {
      CHECK_EQ(change.sequence, position_ + 1);
      TRY(apply(store, change));
      position_ = change.sequence;
    }
    return !page.changes.empty();
  }
  void check_equal(Fixture& f, const std::vector<std::string>& users) {
    size_t threads = 0;
    for (const std::string& user : users) {
      for (const std::string& thread : f.sessions(user)) {
        ++threads;
        const auto found = threads_.find({user, thread});
        CHECK(found != threads_.end());
        const ThreadSummary summary = *CHECK_OK(f.store->find_thread(user, thread, Tier::any));
        CHECK(found->second.summary == summary);
        CHECK_EQ(found->second.messages.size(), static_cast<size_t>(summary.total_messages));
        const HistoryPage page = f.page(user, thread);
        for (const MessageView& message : page.messages)
          CHECK(found->second.messages.at(message.order).as<std::string_view>() == message);
      }
    }
    CHECK_EQ(threads_.size(), threads);
  }

 private:
  struct Thread {
    ThreadSummary summary;
    std::map<uint64_t, Message> messages;
  };

  void apply(const FollowedRow& row) {
    Thread& thread = threads_[{row.user, row.thread}];
    if (thread.summary.incarnation > row.incarnation) return;
    if (thread.summary.incarnation < row.incarnation) thread = Thread{};
    thread.summary.incarnation = row.incarnation;
    if (const auto* summary = std::get_if<ThreadSummary>(&row.row)) thread.summary = *summary;
    if (const auto* message = std::get_if<Message>(&row.row)) thread.messages[message->order] = *message;
  }
  Result<void> apply(Store& store, const ChangeEntry& change) {
    switch (change.operation) {
      case ChangeOperation::thread_deleted: {
        const auto found = threads_.find({change.user, change.thread});
        if (found != threads_.end() && found->second.summary.incarnation <= change.incarnation) threads_.erase(found);
        break;
      }
      case ChangeOperation::user_threads_deleted:
        std::erase_if(threads_, [&](const auto& entry) {
          return entry.first.first == change.user && entry.second.summary.incarnation < change.sequence;
        });
        break;
      default:
        for (const ChangedKey& key : change.keys) {
          if (key.what != ChangedKey::What::put) continue;
          TRY_ASSIGN(const std::optional<FollowedRow> row, store.read_row(key));
          if (row) apply(*row);
        }
    }
    return {};
  }

  std::mt19937 random_;
  uint64_t position_ = 0;
  size_t lost_ = 0;
  bool snapshot_done_ = false;
  std::optional<SnapshotCursor> cursor_;
  std::map<std::pair<std::string, std::string>, Thread> threads_;
};

}  // namespace bobbin::store::test
