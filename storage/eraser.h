#pragma once

#include <atomic>
#include <functional>
#include <set>
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
  // `seal_run_log`: no segment of the run log below the number that it gives is written any more. `erase_run_log`: lets
  // go of those below a number; false: some must stay, because a run in them goes on. `stop`: asks a pass to end early;
  // what is left is taken up by the next one.
  struct Parts {
    const Database& database;
    Execute execute;
    std::function<uint64_t()> seal_run_log;
    std::function<Result<bool>(uint64_t)> erase_run_log;
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
  // Erasures that are taken together, until nothing holds their bytes any more. Each step is done once: a run that goes
  // on for long must not have the same files rewritten again and again.
  struct Round {
    std::vector<Erasure> erasures;
    uint64_t run_log_end = 0;
    bool tables_rewritten = false;
    std::set<std::string> dead_files;  // what must still go from the database's folder
  };
  // Purges what no round has yet, and makes a round of it. False: nothing new, or stopped.
  Result<bool> begin_round();
  // True: nothing of it is left.
  Result<bool> go_on(Round& round);
  // Deletes the rows of one dead thread, piece by piece.
  Result<void> purge(const Erasure& erasure);
  Result<void> purge_family(const Erasure& erasure, Family family, std::string first, const std::string& end,
                            std::vector<DeadRow>& rows);
  Result<void> send(const Erasure& erasure, std::vector<DeadRow>& rows, bool is_last);
  // Rewrites every file that may hold bytes of these threads; the old ones are the round's dead files then.
  Result<void> rewrite_files(Round& round);
  // Waits a moment for them to go. True: they have.
  bool wait_for_files(const Round& round) const;
  [[nodiscard]] bool has_dead_log(const Round& round) const;
  // Makes RocksDB begin another log, with which it lets go of those before. It keeps one for longer than it needs where
  // a family was still being flushed when the newest log began: such a family is only told of the log that followed its
  // own rows, until the next one begins. On an idle server that is never.
  Result<void> begin_log(const Round& round);
  Result<void> flush_all();
  Result<void> compact(std::string_view first, std::string_view end, Family family);

  Parts parts_;
  std::vector<Round> rounds_;
};

}  // namespace bobbin::store
