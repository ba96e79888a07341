#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "src/base/uuid.h"

namespace bobbin::chat {

class Engine;

// Which worker holds a run, or makes a thread's title. Shared by all workers, thread-safe; the only thing in chat that
// is.
class RunDirectory {
 public:
  // A title in the making, of the thread's run of that id.
  struct Title {
    std::string user;
    std::string thread;
    Uuid run_id;
    friend auto operator<=>(const Title&, const Title&) = default;
  };

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

  void add_title(const Title& title, Engine& engine);
  void remove_title(const Title& title);
  // Hands `visit` each title in the making for `thread`, absent: for all of the user's threads, and its engine.
  template <class Visit>
  void with_titles_of(const std::string& user, const std::optional<std::string>& thread, Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (auto it = titles_.lower_bound({user, thread.value_or(std::string()), Uuid{}}); it != titles_.end(); ++it) {
      if (it->first.user != user || (thread && it->first.thread != *thread)) return;
      visit(it->first.run_id, *it->second);
    }
  }

 private:
  [[nodiscard]] Engine* find(const Uuid& run_id) const;

  mutable std::mutex mutex_;
  std::map<Uuid, Engine*> engines_;
  std::map<Title, Engine*> titles_;
};

}  // namespace bobbin::chat
