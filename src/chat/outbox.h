#pragma once

#include <vector>

#include "src/loop/loop.h"
#include "storage/run_log.h"

namespace bobbin::chat {

class Run;

// What the runs of one worker have published in this turn of its loop, on its way through the run log: written with one
// write at the end of the turn, and handed to the subscribers after it, in the same turn. On the worker's loop.
class Outbox final : private TurnHook {
 public:
  // Both outlive it.
  Outbox(Loop& loop, store::RunLogWriter& log) : loop_(loop), log_(log) {}
  ~Outbox() = default;

  // Appending here asks for add() as well.
  [[nodiscard]] store::RunLogWriter& log() noexcept { return log_; }

  // `run` has something to hand out, or to be logged.
  void add(Run& run);
  // `run` is about to go.
  void remove(const Run& run) noexcept;
  // Does now what the end of the turn would do: for who must know that all is logged. A run may end, and go, inside.
  void settle() noexcept;

 private:
  void on_turn_end() noexcept override { settle(); }

  Loop& loop_;
  store::RunLogWriter& log_;
  std::vector<Run*> runs_;      // each once
  std::vector<Run*> settling_;  // those whose events were flushed with the result below; null: gone
  size_t next_ = 0;             // of them
  Result<void> flushed_;
};

}  // namespace bobbin::chat
