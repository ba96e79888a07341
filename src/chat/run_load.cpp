#include "src/chat/run_load.h"

#include <algorithm>
#include <vector>

namespace bobbin::chat {

bool RunLoad::has_room(const std::string& user, const std::string& thread) const {
  if (active_max_ == 0) return true;
  const auto found = users_.find(user);
  if (found == users_.end()) return true;
  const User& load = found->second;
  if (load.total >= uint64_t{active_max_} * kRunsPerActive) return false;
  return load.threads.size() < active_max_ || load.threads.contains(thread);
}

void RunLoad::add(const std::string& user, const std::string& thread) {
  if (active_max_ == 0) return;
  User& load = users_[user];
  ++load.threads[thread].held;
  ++load.total;
}

void RunLoad::add_stored(const std::string& user, const std::string& thread, uint32_t count) {
  if (active_max_ == 0 || count == 0) return;
  User& load = users_[user];
  load.threads[thread].stored += count;
  load.total += count;
}

void RunLoad::remove(const std::string& user, const std::string& thread) { take(user, thread, 1, 0); }
void RunLoad::drop_stored(const std::string& user, const std::string& thread) { take(user, thread, 0, 1); }
void RunLoad::drop_all_stored(const std::string& user, const std::string& thread) { take(user, thread, 0, UINT32_MAX); }

void RunLoad::drop_all_stored(const std::string& user) {
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  std::vector<std::string> threads;
  for (const auto& [thread, load] : found->second.threads) threads.push_back(thread);
  for (const std::string& thread : threads) drop_all_stored(user, thread);
}

void RunLoad::hold_stored(const std::string& user, const std::string& thread) {
  add(user, thread);  // first: the thread must not seem idle in between
  drop_stored(user, thread);
}

void RunLoad::take(const std::string& user, const std::string& thread, uint32_t held, uint32_t stored) {
  const auto owner = users_.find(user);
  if (owner == users_.end()) return;
  User& load = owner->second;
  const auto found = load.threads.find(thread);
  if (found == load.threads.end()) return;
  held = std::min(held, found->second.held);
  stored = std::min(stored, found->second.stored);
  found->second.held -= held;
  found->second.stored -= stored;
  load.total -= held + stored;
  if (found->second.held == 0 && found->second.stored == 0) load.threads.erase(found);
  if (load.threads.empty()) users_.erase(owner);
}

}  // namespace bobbin::chat
