#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "src/base/result.h"
#include "storage/watch.h"

namespace bobbin::store {

// Counts the bytes of one work and passes them on to who watches it. Thread-safe. Internal to storage.
class Meter {
 public:
  explicit Meter(Watch& watch) : watch_(watch) {}

  // What follows is another stage; `total` in bytes, 0: not known.
  void begin(const char* stage, uint64_t total);
  // Between two operations. False, as below: nobody wants the work any more, and for good.
  bool step();
  bool count_read(uint64_t bytes);
  bool count_written(uint64_t bytes);
  [[nodiscard]] uint64_t bytes_written() const;
  [[nodiscard]] bool is_cancelled() const;

 private:
  bool count(uint64_t bytes);
  Watch& watch_;
  mutable std::mutex mutex_;
  const char* stage_ = "";
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  uint64_t told_at_ = 0;
  uint64_t written_ = 0;
  bool cancelled_ = false;
};

// The file system `target` with its reading or writing on a meter; past a cancelled one every operation on file
// contents fails with Aborted. `meter` outlives it.
std::shared_ptr<rocksdb::FileSystem> make_metered_file_system(const std::shared_ptr<rocksdb::FileSystem>& target,
                                                              Meter& meter);

// What a copy has in it.
struct CopiedFile {
  uint64_t bytes = 0;
  uint64_t hash = 0;  // XXH3-64
};

// Copies what `from` has left into a new file `to` of mode 0600, and syncs it; without `to` it is only read.
// Errors: io, storage_full, cancelled.
Result<CopiedFile> copy_file(rocksdb::FSSequentialFile& from, const std::string& to, Meter& meter);

}  // namespace bobbin::store
