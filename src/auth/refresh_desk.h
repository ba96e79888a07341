#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "src/base/clock.h"
#include "src/loop/loop.h"
#include "src/loop/task.h"

namespace bobbin::auth {

// Where requests whose key is not known wait for the issuer's newer keys, and where whoever fetches those is told to.
// Thread-safe: one side is the loop that fetches, the other every loop that serves requests.
class RefreshDesk {
 public:
  // Between two fetches that tokens ask for, over the whole process: whoever makes up key ids cannot have the issuer
  // hammered. Fetches that were due anyway do not count.
  static constexpr int64_t kFloorUs = 30'000'000;
  // More requests than this do not wait: they are refused as if no fetch were possible.
  static constexpr size_t kWaitersMax = 1024;

  using SteadyClock = int64_t (*)() noexcept;
  explicit RefreshDesk(SteadyClock clock = steady_now_us) : clock_(clock) {}
  RefreshDesk(const RefreshDesk&) = delete;
  RefreshDesk& operator=(const RefreshDesk&) = delete;

  // Waits for the fetch under way, or asks for one and waits for it; on any loop. True: a fetch has ended, well or not,
  // so look at the keys again. False at once: the last one that was asked for is too young, too many wait already, or
  // nobody fetches any more. How long it takes is bounded by the fetch.
  Task<bool> wait_for_fetch(Loop& loop);

  // The fetching side, on its loop. From open() on, `wake` is posted to `mailbox` when somebody asks while no fetch is
  // under way; each time it is delivered, call on_woken(). Both outlive close() and the delivery of what was posted.
  void open(Mailbox& mailbox, Mail& wake);
  void on_woken();
  [[nodiscard]] bool is_asked() const;
  void begin_fetch();
  // Resumes all who wait, each on its own loop.
  void end_fetch();
  // Same, and nobody waits from now on.
  void close();

 private:
  enum class State : uint8_t { closed, idle, asked, fetching };
  struct Waiter;

  bool enter(Waiter& waiter);
  void release(State next);

  const SteadyClock clock_;
  mutable std::mutex mutex_;
  State state_ = State::closed;
  Mailbox* mailbox_ = nullptr;
  Mail* wake_ = nullptr;
  bool is_wake_posted_ = false;
  std::optional<int64_t> asked_us_;  // when a token last asked
  std::vector<Waiter*> waiters_;
};

}  // namespace bobbin::auth
