#pragma once

#include <map>
#include <mutex>

#include "src/base/uuid.h"

namespace bobbin::chat {

class Engine;

// Which worker holds a run. Shared by all workers, thread-safe; the only thing in chat that is.
class RunDirectory {
 public:
  // Before the run is submitted, so that whoever learns of it from the store finds its worker.
  void add(const Uuid& run_id, Engine& engine);
  // False: some worker has it.
  bool add_if_absent(const Uuid& run_id, Engine& engine);
  // Takes over a run that another worker had while it waited.
  void replace(const Uuid& run_id, Engine& engine);
  // Nothing happens when another engine has taken the run over.
  void remove(const Uuid& run_id, const Engine& engine);

  // Hands `visit` the engine that holds the run, or null (it was queued before a restart, or has ended). Mail that
  // `visit` posts to that engine is in its mailbox before the engine can remove the run.
  template <class Visit>
  void with_engine_of(const Uuid& run_id, Visit visit) const {
    const std::lock_guard lock(mutex_);
    visit(find(run_id));
  }

 private:
  [[nodiscard]] Engine* find(const Uuid& run_id) const;

  mutable std::mutex mutex_;
  std::map<Uuid, Engine*> engines_;
};

}  // namespace bobbin::chat
