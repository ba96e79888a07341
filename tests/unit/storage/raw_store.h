#pragma once

#include <functional>

#include "storage/database.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "tests/unit/storage/store_fixture.h"

// Rows behind the store's back: the fixture's store is closed, and its rows are read, changed and planted.
namespace bobbin::store::test {

class RawStore {
 public:
  explicit RawStore(Fixture& fixture) {
    fixture.store.reset();
    database_ = CHECK_OK(
        Database::open_existing(fixture.directory.path() + "/data", Database::Access::write, {8 << 20, nullptr}));
  }
  Database& database() { return *database_; }

  std::optional<std::string> get(Family family, const std::string& key) {
    rocksdb::PinnableSlice value;
    if (!CHECK_OK(database_->get({}, family, key, value))) return std::nullopt;
    return value.ToString();
  }
  void put(Family family, const std::string& key, const std::string& value) {
    CHECK(database_->db().Put(commit_options(), database_->family(family), key, value).ok());
  }
  void remove(Family family, const std::string& key) {
    CHECK(database_->db().Delete(commit_options(), database_->family(family), key).ok());
  }
  std::vector<std::string> keys(Family family) {
    const std::unique_ptr<rocksdb::Iterator> it(database_->db().NewIterator({}, database_->family(family)));
    std::vector<std::string> all;
    for (it->SeekToFirst(); it->Valid(); it->Next()) all.push_back(it->key().ToString());
    return all;
  }
  // One bit of the row's value is another.
  void damage(Family family, const std::string& key) {
    std::string value = *get(family, key);
    value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
    put(family, key, value);
  }

  ThreadSummary summary(const std::string& user, const std::string& thread) {
    return CHECK_OK(decode_summary(*get(Family::threads, thread_key(user, thread)), thread));
  }
  // As the store would: into both families.
  void change_summary(const std::string& user, const std::string& thread,
                      const std::function<void(ThreadSummary&)>& change) {
    ThreadSummary summary_now = summary(user, thread);
    change(summary_now);
    std::string value;
    append_summary_record(value, summary_now);
    put(Family::threads, thread_key(user, thread), value);
    put(Family::recency, recency_key(user, summary_now), value);
  }

  static std::string thread_key(const std::string& user, const std::string& thread) {
    std::string key;
    append_thread_prefix(key, user, thread);
    return key;
  }
  static std::string recency_key(const std::string& user, const ThreadSummary& summary) {
    std::string key;
    append_recency_key(key, user, summary.recency_stamp, summary.thread);
    return key;
  }
  static std::string message_key(const std::string& user, const std::string& thread, uint64_t order) {
    std::string key;
    append_message_key(key, user, thread, order);
    return key;
  }
  static std::string run_key(const std::string& user, const std::string& thread, const Uuid& run_id) {
    std::string key;
    append_run_key(key, user, thread, run_id);
    return key;
  }

 private:
  std::unique_ptr<Database> database_;
};

}  // namespace bobbin::store::test
