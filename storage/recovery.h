#pragma once

#include <vector>

#include "storage/commands.h"
#include "storage/database.h"
#include "storage/run_log.h"

namespace bobbin::store {

// The ends of all runs that were active when the last process died: what the run log kept of their text becomes an
// answer of status `interrupted`; without any text there is only the terminal event. The caller applies them before it
// serves. Reads all of the queue, and of the run log what may have these runs. Errors: io, corrupt. Internal to
// storage.
Result<std::vector<FinishRun>> interrupted_runs(const Database& database, RunLog& run_log);

// The newest sequence of the change log; 0 when it is empty. Errors: io, corrupt.
Result<uint64_t> read_last_sequence(const Database& database);

}  // namespace bobbin::store
