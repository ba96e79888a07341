#include "storage/verify_findings.h"

#include "src/base/assert.h"
#include "storage/key_layout.h"
#include "storage/rocksdb_options.h"

namespace bobbin::store {
namespace {

constexpr size_t kBatchBytes = 1024 * 1024;

void must(const rocksdb::Status& status) { BOBBIN_ASSERT(status.ok()); }

}  // namespace

void Findings::add(Family family, std::string_view key, std::string what, Problem::Repair repair) {
  if (report_.problem_count < problems_max_) {
    keep({family_name(family), describe_key(family, key), std::move(what), repair});
  }
  ++report_.problem_count;
  if (repair == Problem::Repair::done) ++report_.repaired_count;
}

void Findings::add_file(const char* kind, std::string name, std::string what) {
  if (report_.problem_count < problems_max_) {
    keep({kind, std::move(name), std::move(what), Problem::Repair::none});
  }
  ++report_.problem_count;
}

void Findings::keep(Problem problem) { report_.problems.push_back(std::move(problem)); }

Result<Lookup> look_up(const Database& database, const rocksdb::ReadOptions& options, Family family,
                       std::string_view key, rocksdb::PinnableSlice& value) {
  const rocksdb::Status status = database.db().Get(options, database.family(family), to_slice(key), &value);
  if (status.ok()) return Lookup::found;
  if (status.IsNotFound()) return Lookup::absent;
  if (status.IsCorruption()) return Lookup::unreadable;
  return fail(from_rocksdb(status));
}

void Fixes::put(Family family, std::string_view key, std::string_view value) {
  if (enabled_) must(batch_.Put(database_.family(family), to_slice(key), to_slice(value)));
}

void Fixes::remove(Family family, std::string_view key) {
  if (enabled_) must(batch_.Delete(database_.family(family), to_slice(key)));
}

Result<void> Fixes::commit_if_large() {
  if (batch_.GetDataSize() < kBatchBytes) return {};
  return commit();
}

Result<void> Fixes::commit() {
  if (batch_.Count() == 0) return {};
  const rocksdb::Status status = database_.db().Write(commit_options(), &batch_);
  if (!status.ok()) return fail(from_rocksdb(status));
  batch_.Clear();
  return {};
}

}  // namespace bobbin::store
