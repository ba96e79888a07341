#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "tests/unit/storage/store_fixture.h"

// The plain side of the random walk: what a thread should hold, several operations under way together, and answers in
// words that model and store share.
namespace bobbin::store::test {

struct ModelMessage {
  std::string content;
  int parent;  // index in the thread's messages; -1: root
};

struct ModelWaiting {
  Uuid run_id;
  std::string content;
  int parent_mode;  // -2: the active leaf at its turn, else the index (-1: root)
};

struct ModelThread {
  uint64_t incarnation = 0;
  std::vector<ModelMessage> messages;
  int leaf = -1;
  std::optional<Uuid> active;
  int active_question = -1;
  std::deque<ModelWaiting> waiting;
  uint64_t activity = 0;

  [[nodiscard]] std::vector<std::string> branch() const {
    std::vector<std::string> contents;
    for (int at = leaf; at >= 0; at = messages[static_cast<size_t>(at)].parent) {
      contents.push_back(messages[static_cast<size_t>(at)].content);
    }
    return contents;  // newest first
  }
};

using Key = std::pair<std::string, std::string>;

class Burst;

struct Step final : Operation {
  Step(Command command_in, Burst& burst_in) : Operation(std::move(command_in)), burst(burst_in) {}
  void on_committed(Result<Reply> result) noexcept override;
  Burst& burst;
  std::optional<Result<Reply>> reply;
};

// Operations under way together.
class Burst {
 public:
  void add(Store& store, Command command) {
    steps_.push_back(std::make_unique<Step>(std::move(command), *this));
    ++open_;
    CHECK_OK(store.submit(*steps_.back()));
  }
  std::vector<Result<Reply>> finish() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return open_ == 0; });
    std::vector<Result<Reply>> replies;
    for (const auto& step : steps_) replies.push_back(std::move(*step->reply));
    return replies;
  }
  void close_one() {
    const std::lock_guard lock(mutex_);
    --open_;
    done_.notify_one();
  }

 private:
  std::vector<std::unique_ptr<Step>> steps_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::atomic<int> open_{0};
};

// What a command answered, in words.
std::string describe(const Result<Reply>& reply);

}  // namespace bobbin::store::test
