#pragma once

#include <rocksdb/iterator.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/database.h"

namespace bobbin::store {

// A forward scan of one family between two bounds, neither of which it can leave. Internal to storage.
//
//   Scan scan(database, Family::queue, Scan::Within::one_owner, options, first, end);
//   for (; scan.valid(); scan.next()) use(scan.key(), scan.value());
//   TRY(scan.status());          // the end and an error look alike until here
class Scan {
 public:
  // one_owner: all keys of the scan have the prefix of `first` (rocksdb_options.cpp), so files without it are skipped.
  // Where it ends the bounds say; prefix_same_as_start would measure the prefix of every row again.
  enum class Within : uint8_t { one_owner, family };

  // Begins at the first key >= `first` and ends before `end`. Views of key() and value() hold until next() or seek().
  Scan(const Database& database, Family family, Within within, rocksdb::ReadOptions options, std::string first,
       std::string end)
      : first_(std::move(first)), end_(std::move(end)), first_slice_(first_), end_slice_(end_) {
    options.iterate_lower_bound = &first_slice_;
    options.iterate_upper_bound = &end_slice_;
    options.total_order_seek = within == Within::family;
    it_.reset(database.db().NewIterator(options, database.family(family)));
    it_->Seek(first_slice_);
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  [[nodiscard]] bool valid() const { return it_->Valid(); }
  void next() { it_->Next(); }
  void seek(std::string_view key) { it_->Seek(to_slice(key)); }
  [[nodiscard]] std::string_view key() const { return to_view(it_->key()); }
  [[nodiscard]] std::string_view value() const { return to_view(it_->value()); }

  // Errors: would_block, io, corrupt.
  [[nodiscard]] Result<void> status() const {
    if (const rocksdb::Status status = it_->status(); !status.ok()) return fail(from_rocksdb(status));
    return {};
  }

 private:
  // The slices point into the strings and the iterator into the slices: in this order.
  std::string first_;
  std::string end_;
  rocksdb::Slice first_slice_;
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace bobbin::store
