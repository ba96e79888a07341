#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace bobbin::chat {

// How many runs each user has under way, against what one may have. One thread at a time: RunDirectory's mutex.
//
// A thread has one active run at most, and others wait for it: so a user's threads with runs are the user's active
// runs, also where one run has ended and the next has not begun. Users and threads without runs take no memory.
class RunLoad {
 public:
  // All of a user's runs, waiting ones included, for each that may be active.
  static constexpr uint32_t kRunsPerActive = 8;

  // `active_max` 0: nothing is limited, and nothing counted.
  explicit RunLoad(uint32_t active_max) : active_max_(active_max) {}

  // Whether the user may have one more run in this thread.
  [[nodiscard]] bool is_limited() const noexcept { return active_max_ != 0; }
  [[nodiscard]] bool has_room(const std::string& user, const std::string& thread) const;

  void add(const std::string& user, const std::string& thread);
  void remove(const std::string& user, const std::string& thread);

  // Runs that wait in the store and are held by no worker: those of before a restart.
  void add_stored(const std::string& user, const std::string& thread, uint32_t count);
  // One of them is held now.
  void hold_stored(const std::string& user, const std::string& thread);
  // One of them is gone.
  void drop_stored(const std::string& user, const std::string& thread);
  // All of them are gone, with their thread; with all of the user's.
  void drop_all_stored(const std::string& user, const std::string& thread);
  void drop_all_stored(const std::string& user);

 private:
  struct Thread {
    uint32_t held = 0;
    uint32_t stored = 0;
  };
  struct User {
    std::map<std::string, Thread> threads;
    uint32_t total = 0;
  };

  // Takes `held` and `stored` off a thread, at most what it has.
  void take(const std::string& user, const std::string& thread, uint32_t held, uint32_t stored);

  const uint32_t active_max_;
  std::map<std::string, User> users_;
};

}  // namespace bobbin::chat
