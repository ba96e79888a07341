#pragma once

#include <rocksdb/write_batch.h>

#include "storage/database.h"
#include "storage/verify.h"

// What a pass of verify finds, and what its repair writes. Internal to storage; one thread.
namespace bobbin::store {

// Problems are kept up to the bound and counted beyond it.
class Findings {
 public:
  Findings(VerifyReport& report, uint32_t problems_max) : report_(report), problems_max_(problems_max) {}

  void add(Family family, std::string_view key, std::string what, Problem::Repair repair = Problem::Repair::none);
  // `kind`: what stands in place of a family, as in Problem.
  void add_file(const char* kind, std::string name, std::string what);
  void count_row(Family family, size_t bytes) {
    VerifyReport::Rows& rows = report_.families[static_cast<size_t>(family) - 1];
    ++rows.rows;
    rows.bytes += bytes;
  }
  [[nodiscard]] VerifyReport& report() noexcept { return report_; }

 private:
  void keep(Problem problem);
  VerifyReport& report_;
  uint32_t problems_max_;
};

// A single row. Damage of the file that holds it is no error here: it is reported where all rows are read.
enum class Lookup : uint8_t { absent, found, unreadable };
// Errors: io.
Result<Lookup> look_up(const Database& database, const rocksdb::ReadOptions& options, Family family,
                       std::string_view key, rocksdb::PinnableSlice& value);

// The writes of a repair, committed in pieces of about a MiB. Off: only says that a repair would be possible.
class Fixes {
 public:
  Fixes(const Database& database, bool enabled)
      : database_(database), enabled_(enabled), mark_(enabled ? Problem::Repair::done : Problem::Repair::possible) {}

  // From now on nothing is written, and nothing said to be possible: what would be built from is not all there.
  void give_up() {
    enabled_ = false;
    mark_ = Problem::Repair::none;
  }
  // How to mark a problem that put() or remove() mends.
  [[nodiscard]] Problem::Repair mark() const noexcept { return mark_; }
  void put(Family family, std::string_view key, std::string_view value);
  // An ordinary deletion: right for every row, however often it was put.
  void remove(Family family, std::string_view key);
  // Between threads: a thread's own fixes stay together. Errors: io, storage_full.
  Result<void> commit_if_large();
  Result<void> commit();

 private:
  const Database& database_;
  bool enabled_;
  Problem::Repair mark_;
  rocksdb::WriteBatch batch_;
};

}  // namespace bobbin::store
