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
  void remove(const Uuid& run_id);
  // Null: no worker of this process (it was queued before a restart, or has ended).
  [[nodiscard]] Engine* find(const Uuid& run_id) const;

 private:
  mutable std::mutex mutex_;
  std::map<Uuid, Engine*> engines_;
};

}  // namespace bobbin::chat
