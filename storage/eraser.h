#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "storage/commands.h"
#include "storage/database.h"
#include "storage/keys.h"
#include "storage/records.h"

namespace bobbin::store {

// Sends a command to the writer and waits for it.
using Execute = std::function<Result<Reply>(Command)>;

// Makes deleted text go from every file (FORMAT.md, "Deletion"). Blocks for long; one thread. Internal to storage.
class Eraser {
 public:
  // `erase_run_log`: lets go of the run log's segments that hold nothing but ended runs; false: some must stay, because
  // a run goes on. `stop`: asks a pass to end early; what is left is taken up by the next one.
  struct Parts {
    const Database& database;
    Execute execute;
    std::function<Result<bool>()> erase_run_log;
    std::atomic<bool>& stop;
  };
  explicit Eraser(Parts parts) : parts_(std::move(parts)) {}

  // One pass over all that waits. True: nothing is left. False: stopped, or something still holds files (a backup that
  // is being made, a run that goes on): call again later. Errors: io, corrupt, storage_full, draining.
  Result<bool> run();

 private:
  struct Erasure {
    std::string user;
    std::string thread;
    uint64_t deletion = 0;
    ErasureRecord record;
  };
  Result<std::vector<Erasure>> waiting() const;
  // Deletes the rows of one dead thread, piece by piece.
  Result<void> purge(const Erasure& erasure);
  Result<void> purge_family(const Erasure& erasure, Family family, std::string first, const std::string& end,
                            std::vector<DeadRow>& rows);
  Result<void> send(const Erasure& erasure, std::vector<DeadRow>& rows, bool is_last);
  // Rewrites every file that may hold bytes of these threads. True: the old ones are gone.
  Result<bool> erase_files(const std::vector<Erasure>& erasures);
  Result<void> flush_all();
  Result<void> compact(std::string_view first, std::string_view end, Family family);

  Parts parts_;
};

}  // namespace bobbin::store
