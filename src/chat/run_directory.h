#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "src/base/uuid.h"
#include "src/chat/run_load.h"

namespace bobbin::chat {

class Engine;

// Which worker holds a run, or asks the model something beside a thread's runs. Shared by all workers, thread-safe; the
// only thing in chat that is.
class RunDirectory {
 public:
  // Something that the model is asked for a thread (aside.h).
  struct Aside {
    enum class Kind : uint8_t { title, memory };
    std::string user;
    std::string thread;
    Uuid run_id;  // zero: one for the thread at a time
    Kind kind = Kind::title;
    friend auto operator<=>(const Aside&, const Aside&) = default;
  };

  // Every user may have `active_max` active runs, and RunLoad::kRunsPerActive times as many with those that wait; 0:
  // any number.
  explicit RunDirectory(uint32_t active_max = 0) : load_(active_max) {}

  // Before the run is submitted, so that whoever learns of it from the store finds its worker. False: its user may not
  // have one more; it is here, but does not count, and must not start.
  [[nodiscard]] bool add(const Uuid& run_id, Engine& engine, const std::string& user, const std::string& thread);
  // A run that the store has, from before a restart. False: some worker has it.
  bool add_if_absent(const Uuid& run_id, Engine& engine, const std::string& user, const std::string& thread);
  // Takes over a run that another worker, or the store alone, had while it waited.
  void replace(const Uuid& run_id, Engine& engine, const std::string& user, const std::string& thread);
  // The run is stored as ended, and its followers are about to be told: from now on it does not count.
  void release(const Uuid& run_id);
  // Nothing happens when another engine has taken the run over.
  void remove(const Uuid& run_id, const Engine& engine);

  // What waits in the store alone also counts for its user: see RunLoad.
  void add_stored(const std::string& user, const std::string& thread, uint32_t count);
  // A run that waited is gone, and counted only if no worker has it; all of a thread; all of a user.
  void drop_stored(const Uuid& run_id, const std::string& user, const std::string& thread);
  void drop_all_stored(const std::string& user, const std::optional<std::string>& thread);

  // Hands `visit` the engine that holds the run, or null (it was queued before a restart, or has ended). Mail that
  // `visit` posts to that engine is in its mailbox before the engine can remove the run.
  template <class Visit>
  void with_engine_of(const Uuid& run_id, Visit visit) const {
    const std::lock_guard lock(mutex_);
    visit(find(run_id));
  }

  // False: it is under way on some worker.
  bool add_aside(const Aside& aside, Engine& engine);
  void remove_aside(const Aside& aside);
  // Hands `visit` each that is under way for `thread`, absent: for all of the user's threads, and its engine.
  template <class Visit>
  void with_asides_of(const std::string& user, const std::optional<std::string>& thread, Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (auto it = asides_.lower_bound({user, thread.value_or(std::string()), {}, {}}); it != asides_.end(); ++it) {
      if (it->first.user != user || (thread && it->first.thread != *thread)) return;
      visit(it->first, *it->second);
    }
  }

 private:
  struct Entry {
    Engine* engine = nullptr;
    bool is_counted = false;
    std::string user{};  // with the thread: whose it counts for; empty where nothing is limited
    std::string thread{};
  };
  [[nodiscard]] Entry make_entry(Engine& engine, bool is_counted, const std::string& user,
                                 const std::string& thread) const;
  [[nodiscard]] Engine* find(const Uuid& run_id) const;

  mutable std::mutex mutex_;
  std::map<Uuid, Entry> runs_;
  RunLoad load_;
  std::map<Aside, Engine*> asides_;
};

}  // namespace bobbin::chat
