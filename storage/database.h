#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "storage/family.h"
#include "storage/log_guard.h"

// The open RocksDB with its families, and its errors as ours. Internal to storage.
namespace bobbin::store {
struct OptionTrial;

// The format that this program writes (FORMAT.md, "Meta").
inline constexpr uint64_t kStoreFormat = 2;

inline std::string_view to_view(const rocksdb::Slice& slice) noexcept { return {slice.data(), slice.size()}; }
inline rocksdb::Slice to_slice(std::string_view bytes) noexcept { return {bytes.data(), bytes.size()}; }

// Logs `status` (its text does not fit into an Error) and gives it as an Error: Incomplete → would_block (not logged),
// Corruption → corrupt, NoSpace → storage_full, all else io. The number is the errno where the text has it, else
// RocksDB's subcode. Requires !status.ok().
Error from_rocksdb(const rocksdb::Status& status, std::source_location where = std::source_location::current());

// Logs that the row at `key` is damaged and gives `why` back.
Error corrupt_row(Family family, std::string_view key, const Error& why);

class Database {
 public:
  // Called on a thread of RocksDB when a flush or compaction has failed: with storage_full, after which resume() can
  // help, or for good.
  using OnBackgroundError = std::function<void(const Error&)>;

  struct Options {
    size_t block_cache_bytes;
    std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the system's own
    const OptionTrial* option_trial = nullptr;         // of a benchmark
  };

  // Opens or makes `directory`/db under `directory`/lock and checks the format. Blocks. Errors: as Store::open.
  static Result<std::unique_ptr<Database>> open(const std::string& directory, const Options& options,
                                                OnBackgroundError on_background_error);

  enum class Access : uint8_t { read, write };
  // For tools: the store that is there, under its lock, without any change to what runs or waits. Access::read changes
  // no byte of any file: what RocksDB's log holds is read into memory. Errors: as open(); not_found (no store).
  static Result<std::unique_ptr<Database>> open_existing(const std::string& directory, Access access,
                                                         const Options& options);
  ~Database();

  // After a failed write: the destructor then leaves RocksDB alone instead of closing it, since closing flushes files
  // that must not be touched again (Debian's build asserts that), with all that its threads may still use. The process
  // is about to end.
  void abandon() noexcept { abandoned_ = true; }

  // Why a write of the batch failed, as the writer must take it. storage_full: nothing of it is in the store or will
  // be, and resume() may help; io or corrupt: nothing more can be promised. Requires !status.ok().
  [[nodiscard]] static Error write_error(const rocksdb::Status& status);

  // After storage_full: makes RocksDB write again. Blocks: writes out what is in memory. The writer's thread only.
  // Errors: storage_full (there is still no room: try again later), io, corrupt.
  Result<void> resume();

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] rocksdb::Env* env() const noexcept { return env_.get(); }
  [[nodiscard]] rocksdb::DB& db() const noexcept { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family family) const noexcept {
    return families_[static_cast<size_t>(family) - 1];
  }

  // The row at `key`, or false. `value` is unchanged then.
  Result<bool> get(const rocksdb::ReadOptions& options, Family family, std::string_view key,
                   rocksdb::PinnableSlice& value) const;

 private:
  class BackgroundErrors;

  Database() = default;
  Result<void> open_families(const std::string& path, Access access, const Options& chosen,
                             OnBackgroundError on_background_error);
  Result<void> check_format();
  Result<void> begin_buffer();

  std::string directory_;
  int lock_fd_ = -1;
  Access access_ = Access::write;
  std::shared_ptr<LogGuard> guard_;
  std::unique_ptr<rocksdb::Env> env_;  // over guard_
  std::shared_ptr<BackgroundErrors> background_errors_;
  bool abandoned_ = false;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* default_family_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_{};
};

}  // namespace bobbin::store
