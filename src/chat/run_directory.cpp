#include "src/chat/run_directory.h"

#include "src/base/assert.h"

namespace bobbin::chat {

void RunDirectory::add(const Uuid& run_id, Engine& engine) {
  const std::lock_guard lock(mutex_);
  BOBBIN_ASSERT(engines_.emplace(run_id, &engine).second);
}

bool RunDirectory::add_if_absent(const Uuid& run_id, Engine& engine) {
  const std::lock_guard lock(mutex_);
  return engines_.emplace(run_id, &engine).second;
}

void RunDirectory::replace(const Uuid& run_id, Engine& engine) {
  const std::lock_guard lock(mutex_);
  engines_[run_id] = &engine;
}

void RunDirectory::remove(const Uuid& run_id, const Engine& engine) {
  const std::lock_guard lock(mutex_);
  const auto found = engines_.find(run_id);
  if (found != engines_.end() && found->second == &engine) engines_.erase(found);
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
  const auto found = engines_.find(run_id);
  return found == engines_.end() ? nullptr : found->second;
}

}  // namespace bobbin::chat
