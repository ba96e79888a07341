#include "src/chat/run_directory.h"

#include <utility>

#include "src/base/assert.h"

namespace bobbin::chat {

RunDirectory::Entry RunDirectory::make_entry(Engine& engine, bool is_counted, const std::string& user,
                                             const std::string& thread) const {
  if (!load_.is_limited()) return {.engine = &engine};
  return {.engine = &engine, .is_counted = is_counted, .user = user, .thread = thread};
}

bool RunDirectory::add(const Uuid& run_id, Engine& engine, const std::string& user, const std::string& thread) {
  const std::lock_guard lock(mutex_);
  const bool has_room = load_.has_room(user, thread);
  if (has_room) load_.add(user, thread);
  BOBBIN_ASSERT(runs_.emplace(run_id, make_entry(engine, has_room, user, thread)).second);
  return has_room;
}

bool RunDirectory::add_if_absent(const Uuid& run_id, Engine& engine, const std::string& user,
                                 const std::string& thread) {
  const std::lock_guard lock(mutex_);
  const bool is_new = runs_.emplace(run_id, make_entry(engine, true, user, thread)).second;
  if (is_new) load_.hold_stored(user, thread);
  return is_new;
}

void RunDirectory::replace(const Uuid& run_id, Engine& engine, const std::string& user, const std::string& thread) {
  const std::lock_guard lock(mutex_);
  const auto [known, is_new] = runs_.emplace(run_id, make_entry(engine, true, user, thread));
  if (is_new) {
    load_.hold_stored(user, thread);
  } else {
    known->second.engine = &engine;
  }
}

void RunDirectory::release(const Uuid& run_id) {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  if (found == runs_.end() || !std::exchange(found->second.is_counted, false)) return;
  load_.remove(found->second.user, found->second.thread);
}

void RunDirectory::remove(const Uuid& run_id, const Engine& engine) {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  if (found == runs_.end() || found->second.engine != &engine) return;
  if (found->second.is_counted) load_.remove(found->second.user, found->second.thread);
  runs_.erase(found);
}

void RunDirectory::add_stored(const std::string& user, const std::string& thread, uint32_t count) {
  const std::lock_guard lock(mutex_);
  load_.add_stored(user, thread, count);
}

void RunDirectory::drop_stored(const Uuid& run_id, const std::string& user, const std::string& thread) {
  const std::lock_guard lock(mutex_);
  if (!runs_.contains(run_id)) load_.drop_stored(user, thread);
}

void RunDirectory::drop_all_stored(const std::string& user, const std::optional<std::string>& thread) {
  const std::lock_guard lock(mutex_);
  if (thread) {
    load_.drop_all_stored(user, *thread);
  } else {
    load_.drop_all_stored(user);
  }
}

bool RunDirectory::add_aside(const Aside& aside, Engine& engine) {
  const std::lock_guard lock(mutex_);
  return asides_.emplace(aside, &engine).second;
}

void RunDirectory::remove_aside(const Aside& aside) {
  const std::lock_guard lock(mutex_);
  asides_.erase(aside);
}

Engine* RunDirectory::find(const Uuid& run_id) const {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? nullptr : found->second.engine;
}

}  // namespace bobbin::chat
