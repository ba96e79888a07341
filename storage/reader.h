#pragma once

#include <deque>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/records.h"
#include "storage/store.h"

namespace bobbin::store {

// The queries of store.h. Thread-safe: it holds nothing but the database. Internal to storage.
class Reader {
 public:
  explicit Reader(const Database& database) : database_(database) {}

  Result<HistoryPage> read_history(const HistoryQuery& query, Tier tier) const;
  Result<SessionsPage> list_sessions(const SessionsQuery& query, Tier tier) const;
  Result<std::optional<ThreadSummary>> find_thread(const std::string& user, const std::string& thread, Tier tier) const;
  Result<std::vector<QueuedSubmit>> read_queue(const std::string& user, const std::string& thread, Tier tier) const;
  Result<std::optional<RunInfo>> find_run(const std::string& user, const std::string& thread, const Uuid& run_id,
                                          Tier tier) const;
  Result<std::optional<Message>> find_message(const std::string& user, const std::string& thread, uint64_t order,
                                              Tier tier) const;
  Result<std::vector<Memory>> read_memories(const std::string& user, const std::string& thread, Tier tier) const;
  Result<std::optional<std::string>> read_setting(const std::string& user, std::string_view name, Tier tier) const;
  Result<uint32_t> read_user_keep_s(const std::string& user, Tier tier) const;
  Result<std::vector<UnfinishedThread>> unfinished_threads() const;

 private:
  Result<std::optional<ThreadSummary>> get_summary(const rocksdb::ReadOptions& options, const std::string& user,
                                                   const std::string& thread) const;
  Result<std::deque<QueueRecord>> scan_queue(const rocksdb::ReadOptions& options, const std::string& user,
                                             const std::string& thread, uint64_t queue_head) const;

  const Database& database_;
};

}  // namespace bobbin::store
