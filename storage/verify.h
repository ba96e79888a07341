#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "storage/family.h"
#include "storage/watch.h"

// Reads everything that the store has and says what does not agree.
//
// What must hold: every row fits FORMAT.md (row_check.h); each thread's summary agrees with its messages, its run and
// its queue; `recency` has exactly one row for each thread, with the summary's bytes; rows of a thread that is not
// there wait in `erasures`, and none of a living one does; the change log has no gap, begins where `meta` says, and the
// feeds agree with it; the checksums in RocksDB's own files hold, and those of the run log.
//
// Memory: one thread's open branches and at most `problems_max` problems, however many threads there are.
namespace bobbin::store {

class Database;

struct VerifyOptions {
  // Rebuild what follows from other rows: summaries and their counts, leaf, title and preview, rows of `recency` and
  // `feed`; note for the eraser what is left of deleted threads. Messages are never touched. Only with a database that
  // nobody else writes. Nothing is repaired where rows cannot be read: what follows from them would be wrong.
  bool repair = false;
  bool files = true;            // also the checksums of files, the run log's too: reads all of them once more
  uint32_t problems_max = 200;  // more are counted, not kept
};

struct Problem {
  enum class Repair : uint8_t {
    none,      // nothing that is there says what was lost
    possible,  // bobbin verify --repair would
    done,
  };
  std::string family;  // or "files" (of RocksDB), "run log" (its segments)
  std::string row;     // describe_key()
  std::string what;    // for people: what is wrong, or what was changed
  Repair repair = Repair::none;
};

struct VerifyReport {
  struct Rows {
    uint64_t rows = 0;
    uint64_t bytes = 0;  // of keys and values
  };
  std::array<Rows, kFamilyCount> families{};  // in the order of Family
  uint64_t users = 0;
  uint64_t threads = 0;
  uint64_t files = 0;             // of RocksDB, whose checksums hold
  uint64_t run_log_segments = 0;  // that are sound
  uint64_t last_sequence = 0;
  uint64_t problem_count = 0;
  uint64_t repaired_count = 0;
  std::vector<Problem> problems;

  [[nodiscard]] bool is_clean() const noexcept { return problem_count == 0; }
};

// One moment of the store: changes made meanwhile are not seen. Blocks for as long as reading all of it takes. A report
// with problems is a success of this function. After a repair, verify again: what the second report lists is left.
// Errors: cancelled; io (the disk refuses; what is damaged but readable is a problem, not an error); storage_full.
Result<VerifyReport> verify(const Database& database, const VerifyOptions& options, Watch& watch);

// Opens the store in `directory` for this alone; with `repair` a second pass reads it again. `left` is what is still
// wrong afterwards, `found` what was before (the same report when nothing was repaired).
// Errors: as above; busy (somebody has the directory), not_found (no store), corrupt (it cannot be opened).
struct VerifyOutcome {
  VerifyReport found;
  VerifyReport left;
};
Result<VerifyOutcome> verify_directory(const std::string& directory, const VerifyOptions& options, Watch& watch);

}  // namespace bobbin::store
