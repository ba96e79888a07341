#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/loop/offload.h"
#include "storage/store.h"

namespace bobbin::chat {

// A stretch of one user's feed, written out as docs/events.md says.
struct FeedBatch {
  struct Item {
    uint64_t sequence;
    size_t end;  // of its JSON in `json`; it begins where the one before ends
  };
  // The feed does not reach back so far, or not yet so far: the rest is then empty.
  bool lost = false;
  bool is_whole = true;  // nothing of this user is missing up to `last_sequence`
  uint64_t last_sequence = 0;
  std::vector<Item> items;
  std::string json;

  [[nodiscard]] std::string_view json_of(size_t index) const {
    const size_t begin = index == 0 ? 0 : items[index - 1].end;
    return std::string_view(json).substr(begin, items[index].end - begin);
  }
};

// Events that carry no change.
inline constexpr std::string_view kFeedReadyEvent = R"({"type":"ready"})";
inline constexpr std::string_view kFeedResyncEvent = R"({"type":"resync"})";

// Reads at most limits::kFeedPageEvents events of `user` after the sequence `after`, each with the state that its
// thread has now, and about 256 KiB of JSON. Blocks on disk. Errors: io, corrupt.
Result<FeedBatch> read_feed_batch(store::Store& store, const std::string& user, uint64_t after);

// The same from a loop: `FeedRead read(store, user, after); co_await read.run(pool, loop);`
class FeedRead final : private BlockingJob {
 public:
  FeedRead(store::Store& store, std::string user, uint64_t after)
      : store_(store), user_(std::move(user)), after_(after) {}

  // Errors also: overloaded (the pool's queue is full).
  Task<Result<FeedBatch>> run(BlockingPool& pool, Loop& loop);

 private:
  void work() noexcept override { batch_.emplace(read_feed_batch(store_, user_, after_)); }

  store::Store& store_;
  const std::string user_;
  const uint64_t after_;
  std::optional<Result<FeedBatch>> batch_;
};

}  // namespace bobbin::chat
