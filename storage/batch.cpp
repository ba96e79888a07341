#include "storage/batch.h"

#include "src/base/assert.h"
#include "storage/keys.h"

namespace bobbin::store {
namespace {

// A batch in memory refuses only what is larger than 4 GiB, which kCommandBytesMax rules out.
void must(const rocksdb::Status& status) { BOBBIN_ASSERT(status.ok()); }

}  // namespace

void Batch::put(Family family, std::string_view key, std::string_view value) {
  must(batch_.Put(database_.family(family), to_slice(key), to_slice(value)));
}

void Batch::remove(Family family, std::string_view key) {
  must(batch_.Delete(database_.family(family), to_slice(key)));
}

void Batch::remove_put_once(Family family, std::string_view key) {
  must(batch_.SingleDelete(database_.family(family), to_slice(key)));
}

void Batch::remove_range(Family family, std::string_view first, std::string_view end) {
  must(batch_.DeleteRange(database_.family(family), to_slice(first), to_slice(end)));
}

Change::Change(Batch& batch, ChangeOperation operation, std::string_view user, std::string_view thread, int64_t at_us)
    : batch_(batch) {
  record_.operation = operation;
  record_.at_us = at_us;
  record_.user = user;
  record_.thread = thread;
}

void Change::put(Family family, std::string key, std::string_view value) {
  batch_.put(family, key, value);
  record_.keys.push_back({static_cast<uint8_t>(family), ChangeRecord::What::put, std::move(key), {}});
}

void Change::remove(Family family, std::string key) {
  batch_.remove(family, key);
  record_.keys.push_back({static_cast<uint8_t>(family), ChangeRecord::What::remove, std::move(key), {}});
}

void Change::remove_range(Family family, std::string first, std::string end) {
  batch_.remove_range(family, first, end);
  record_.keys.push_back(
      {static_cast<uint8_t>(family), ChangeRecord::What::remove_range, std::move(first), std::move(end)});
}

void Change::seal(uint64_t incarnation) {
  record_.incarnation = incarnation;
  std::string key;
  append_change_key(key, batch_.next_sequence());
  std::string value;
  append_change_record(value, record_);
  batch_.put(Family::changes, key, value);
  ++batch_.last_sequence_;
}

}  // namespace bobbin::store
