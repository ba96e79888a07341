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

Change::Change(Batch& batch, ChangeOperation operation, std::string_view user, std::string_view thread, int64_t at_us)
    : batch_(batch) {
  record_.operation = operation;
  record_.at_us = at_us;
  record_.user = user;
  record_.thread = thread;
}

void Change::put(Family family, std::string key, std::string_view value) {
  batch_.put(family, key, value);
  record_.keys.push_back({static_cast<uint8_t>(family), ChangedKey::What::put, std::move(key)});
}

void Change::remove(Family family, std::string key) {
  batch_.remove(family, key);
  record_.keys.push_back({static_cast<uint8_t>(family), ChangedKey::What::remove, std::move(key)});
}

void Change::seal(uint64_t incarnation, const Uuid& run_id) {
  record_.incarnation = incarnation;
  record_.run_id = run_id;
  const uint64_t sequence = batch_.next_sequence();
  std::string key;
  append_change_key(key, sequence);
  std::string value;
  append_change_record(value, record_);
  batch_.put(Family::changes, key, value);
  key.clear();
  append_feed_key(key, record_.user, sequence);
  value.clear();
  append_feed_record(value, {.operation = record_.operation,
                             .at_us = record_.at_us,
                             .thread = record_.thread,
                             .incarnation = incarnation,
                             .run_id = run_id});
  batch_.put(Family::feed, key, value);
  batch_.changes_.push_back({.sequence = sequence, .operation = record_.operation, .user = std::move(record_.user)});
  batch_.last_sequence_ = sequence;
}

}  // namespace bobbin::store
