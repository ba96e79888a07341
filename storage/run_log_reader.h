#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/base/uuid.h"

namespace bobbin::store {

// What outlived a process of a run that it never finished.
struct LoggedRun {
  std::string content;  // UTF-8, as far as it was logged
  std::string reasoning;
  std::string model;
  std::string tool_steps;
  uint64_t last_event_id = 0;
};

// The store's view of the run log (design.md §4): asked once for each run that was active when the process died.
class RunLogReader {
 public:
  virtual ~RunLogReader() = default;
  // Blocks on disk; called on the thread that opens the store. nullopt: the log has nothing of this run.
  // Errors: io, corrupt: opening the store then fails with the same error.
  virtual Result<std::optional<LoggedRun>> read_run(const Uuid& run_id) = 0;
};

}  // namespace bobbin::store
