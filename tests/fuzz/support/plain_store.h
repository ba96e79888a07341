#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "storage/commands.h"

// What the store should hold, in a std::map: each command as its documentation has it, one at a time.
namespace bobbin::fuzz {

class PlainStore {
 public:
  struct Message {
    std::string content;
    int parent;  // index in the thread's messages; -1: a root
  };
  struct Waiting {
    Uuid run_id;
    std::string content;
    bool is_root;
  };
  struct Thread {
    std::vector<Message> messages;
    int leaf = -1;
    std::optional<Uuid> active;
    int question = -1;  // of the active run
    std::deque<Waiting> waiting;
    std::optional<std::string> title;  // where it is somebody's own
    bool title_is_users = false;
    uint64_t activity = 0;

    [[nodiscard]] std::vector<std::string> branch() const;  // newest first
  };
  using Key = std::pair<std::string, std::string>;

  // The answer that the store has to give, in the words of answer_words().
  std::string apply(const store::Command& command);
  // What opening does: active runs end without a word, as the run log has none.
  void reopen();

  std::map<Key, Thread> threads;
  std::map<Key, std::string> settings;  // by user and name

 private:
  std::string apply_one(const store::Submit& command);
  std::string apply_one(const store::FinishRun& command);
  std::string apply_one(const store::StartNext& command);
  std::string apply_one(const store::CancelQueued& command);
  std::string apply_one(const store::DeleteThread& command);
  std::string apply_one(const store::DeleteUserThreads& command);
  std::string apply_one(const store::SetTitle& command);
  std::string apply_one(const store::ChangeSetting& command);
  std::string start(Thread& thread, const Waiting& turn);
  std::string start_waiting(Thread& thread);

  uint64_t activity_ = 0;
};

std::string answer_words(const Result<store::Reply>& reply);

}  // namespace bobbin::fuzz
