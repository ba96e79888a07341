#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>

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
  std::optional<std::string> title;  // where it is not that of the first message
  TitleBy title_by = TitleBy::model;

  [[nodiscard]] std::vector<std::string> branch() const {
    std::vector<std::string> contents;
    for (int at = leaf; at >= 0; at = messages[static_cast<size_t>(at)].parent) {
      contents.push_back(messages[static_cast<size_t>(at)].content);
    }
    return contents;  // newest first
  }
};

using Key = std::pair<std::string, std::string>;

// All that the store should hold. Copies are moments of it.
class Model {
 public:
  // What parent a Submit with `parent` names, as the caller chose it.
  static constexpr int kUnknownParent = -3;

  // Applies the command and gives the answer that the store must give, in the words of describe(). `parent_index`: of
  // a Submit with a parent: the message's index in its thread, -1 for a new root.
  std::string apply(const Command& command, int parent_index);
  // What opening does: active runs end, each with the text that it had said (as the run log has it).
  void reopen(const std::map<Uuid, std::string>& said = {});
  // As many changes as reopen() would make.
  [[nodiscard]] uint64_t active_runs() const;

  std::map<Key, ModelThread> threads;
  // Incarnation and run: ended, or of a thread that is gone. The latest ones, as copies are many.
  std::vector<std::pair<uint64_t, Uuid>> dead;
  uint64_t sequence = 0;
  std::optional<uint64_t> follower;  // where kFollower is

  static constexpr size_t kDeadMax = 512;
  // Of whoever follows beside the walk.
  static constexpr const char* kFollower = "walk";

 private:
  std::string apply_one(const Submit& command, int parent_index);
  std::string apply_one(const FinishRun& command);
  std::string apply_one(const StartNext& command);
  std::string apply_one(const CancelQueued& command);
  std::string apply_one(const DeleteThread& command);
  std::string apply_one(const DeleteUserThreads& command);
  std::string apply_one(const ExpireThread& command);
  std::string apply_one(const MoveFollower& command);
  std::string apply_one(const SetTitle& command);
  void bury(uint64_t incarnation, const Uuid& run_id);
  std::string remove(std::map<Key, ModelThread>::iterator thread);
  std::string started(ModelThread& thread, const Uuid& run_id, const std::string& content, int parent);
  std::string start_waiting(ModelThread& thread);

  uint64_t activity_ = 0;
};

// Checks that the threads of `user` are as in the model, in pages of `history_limit` and `sessions_limit`; and the
// follower's position.
void check_like_model(Fixture& f, const Model& model, const std::string& user, uint32_t history_limit,
                      uint32_t sessions_limit);

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
  void add(Store& store, Command command) { CHECK_OK(try_add(store, std::move(command))); }
  // As Store::submit; the operation is of the burst only when it was taken.
  Result<void> try_add(Store& store, Command command) {
    steps_.push_back(std::make_unique<Step>(std::move(command), *this));
    ++open_;
    auto taken = store.submit(*steps_.back());
    if (!taken) {
      --open_;
      steps_.pop_back();
    }
    return taken;
  }
  std::vector<Result<Reply>> finish() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return open_ == 0; });
    std::vector<Result<Reply>> replies;
    replies.reserve(steps_.size());
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

// The random commands of a walk: most fit the model's state, some do not.
class CommandMaker {
 public:
  explicit CommandMaker(uint32_t seed) : random_(seed) {}
  size_t below(size_t bound) { return random_() % bound; }
  [[nodiscard]] const std::vector<std::string>& users() const { return users_; }

  // `parent_index` as Model::apply wants it.
  Command make(const Model& model, int& parent_index);
  // Ids are the store's to choose: those of one thread's branch are read back to be parents later.
  void learn_ids(Fixture& f, const Model& model);
  // Steps the clock, at times far or backward.
  void move_clock();

 private:
  Uuid make_parent(const ModelThread* thread, const Key& key, int& parent_index);

  const std::vector<std::string> users_{"a", "ab", "b"};
  const std::vector<std::string> threads_{"t", "tt", "x", "y", "z"};
  std::mt19937 random_;
  std::map<Key, std::pair<uint64_t, std::map<std::string, Uuid>>> ids_;
  uint32_t runs_ = 0;
};

// A number from the environment.
uint64_t from_environment(const char* name, uint64_t otherwise);

}  // namespace bobbin::store::test
