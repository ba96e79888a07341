#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "storage/database.h"
#include "storage/records.h"

// What the writer knows of the threads and users that it has touched lately: the state after all commands applied so
// far, also those not committed yet. The writer is the only one who changes the store, so this is never stale. Internal
// to storage.
namespace bobbin::store {

// A bounded map in two generations: when the young one is full it becomes the old one, and what nobody asked for in the
// meantime goes. References stay valid until rotate().
template <class Value>
class RecentMap {
 public:
  explicit RecentMap(size_t generation_max) : generation_max_(generation_max) {}

  Value* find(const std::string& key) {
    if (const auto it = young_.find(key); it != young_.end()) return &it->second;
    if (auto node = old_.extract(key)) return &young_.insert(std::move(node)).position->second;
    return nullptr;
  }
  Value& insert(const std::string& key, Value value) { return young_.emplace(key, std::move(value)).first->second; }
  void clear() {
    young_.clear();
    old_.clear();
  }
  // Call between groups only: entries touched by an uncommitted group must stay.
  void rotate_if_full() {
    if (young_.size() < generation_max_) return;
    old_ = std::move(young_);
    young_.clear();
  }

 private:
  size_t generation_max_;
  std::unordered_map<std::string, Value> young_;
  std::unordered_map<std::string, Value> old_;
};

struct WaitingSubmit {
  uint64_t position = 0;
  Uuid run_id;
  uint64_t group = 0;  // the group that wrote it: its text is in the database once that is committed
};

struct ThreadState {
  bool exists = false;
  // Of a thread that is not there: as it will begin, with stamp_floor above the dead ones of its id, and keep_s.
  ThreadSummary summary;
  uint64_t active_position = 0;  // queue position and record of the active run, where there is one
  RunRecord active;
  std::deque<WaitingSubmit> waiting;  // in turn
  uint64_t changed_in_group = 0;

  [[nodiscard]] bool has_active() const { return !summary.active_run.is_zero(); }
  // One that goes first comes before all that waited when it came.
  void add_waiting(WaitingSubmit submit, bool goes_first) {
    goes_first ? waiting.push_front(submit) : waiting.push_back(submit);
  }
  // The lowest of those that wait; `none` when none does. They need not stand in the order of their positions.
  [[nodiscard]] uint64_t lowest_waiting(uint64_t none) const {
    for (const WaitingSubmit& submit : waiting) none = std::min(none, submit.position);
    return none;
  }
};

// The newest entry of a user's recency index.
struct UserState {
  uint64_t top_stamp = 0;  // never falls while it is remembered
  std::string top_thread;  // empty: not known to be the newest any more, so the next one moves
};

class ThreadStates {
 public:
  explicit ThreadStates(const Database& database) : database_(database) {}

  // References stay valid until end_group(). A thread that is not there is a state with exists = false.
  // Errors: io, corrupt.
  Result<ThreadState*> thread(const std::string& user, const std::string& thread);
  Result<UserState*> user(const std::string& user);

  void end_group() {
    threads_.rotate_if_full();
    users_.rotate_if_full();
  }
  // Forgets everything: after a command that changed many threads, once it is committed.
  void clear() {
    threads_.clear();
    users_.clear();
  }

 private:
  Result<ThreadState> load_thread(const std::string& key, const std::string& user, const std::string& thread) const;
  // The highest stamp of the dead threads of this id that are not erased yet; 0: there are none.
  Result<uint64_t> load_stamp_floor(const std::string& user, const std::string& thread) const;
  Result<void> load_queue(const std::string& user, const std::string& thread, ThreadState& state) const;
  Result<UserState> load_user(const std::string& user) const;

  const Database& database_;
  // About 1 KB each: 8 MB at most.
  RecentMap<ThreadState> threads_{4096};
  RecentMap<UserState> users_{4096};
};

}  // namespace bobbin::store
