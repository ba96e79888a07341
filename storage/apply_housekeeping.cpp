#include <algorithm>

#include "src/base/limits.h"
#include "storage/apply.h"
#include "storage/keys.h"
#include "storage/rocksdb_options.h"

// What the store's own threads ask for: none of it changes what anybody can see, so none of it is in the change log.
namespace bobbin::store {

Result<Reply> Applier::apply(PurgeRows& command) {
  TRY(check_ids(command.user, command.thread));
  std::string key;
  append_erasure_key(key, command.user, command.thread, command.deletion);
  if (command.is_last) {
    rocksdb::PinnableSlice value;
    TRY_ASSIGN(const bool found, database_.get(read_options(), Family::erasures, key, value));
    if (!found) return fail(Code::not_found, 0, "erasure");
    auto erasure = decode_erasure(to_view(value));
    if (!erasure) return fail(corrupt_row(Family::erasures, key, erasure.error()));
    erasure->stage = ErasureRecord::Stage::files;
    std::string record;
    append_erasure_record(record, *erasure);
    batch_.put(Family::erasures, key, record);
  }
  for (const DeadRow& row : command.rows) batch_.remove(row.family, row.key);
  return Done{};
}

Result<Reply> Applier::apply(EndErasure& command) {
  TRY(check_ids(command.user, command.thread));
  std::string key;
  append_erasure_key(key, command.user, command.thread, command.deletion);
  batch_.remove(Family::erasures, key);
  return Done{};
}

Result<Reply> Applier::apply(TrimChanges& command) {
  if (command.changes.empty()) return Done{};
  const uint64_t first_kept = command.changes.back().sequence + 1;
  if (first_kept > batch_.last_sequence()) return fail(Code::invalid, 0, "the newest change stays");
  std::string key;
  for (const CommittedChange& change : command.changes) {
    key.clear();
    append_change_key(key, change.sequence);
    batch_.remove(Family::changes, key);
    key.clear();
    append_feed_key(key, change.user, change.sequence);
    batch_.remove(Family::feed, key);
  }
  std::string value;
  append_number_record(value, first_kept);
  batch_.put(Family::meta, kFirstChangeKey, value);
  return Done{};
}

Result<Reply> Applier::apply(ForgetRequests& command) {
  for (const std::string& key : command.keys) {
    if (requests_in_group_.contains(key)) continue;
    rocksdb::PinnableSlice value;
    TRY_ASSIGN(const bool found, database_.get(read_options(), Family::idempotency, key, value));
    if (!found) continue;
    const auto request = decode_request(to_view(value));
    if (!request) return fail(corrupt_row(Family::idempotency, key, request.error()));
    if (request->created_us <= wall_clock_() - kRequestKeptUs) batch_.remove(Family::idempotency, key);
  }
  return Done{};
}

Result<Reply> Applier::apply(MoveFollower& command) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (command.name.empty() || command.name.size() > kFollowerNameBytesMax ||
      !std::all_of(command.name.begin(), command.name.end(), is_plain)) {
    return fail(Code::invalid, 0, "a follower's name has 1 to 64 small letters, digits and hyphens");
  }
  if (command.position > batch_.last_sequence()) return fail(Code::invalid, 0, "there is no such change yet");
  std::string value;
  append_number_record(value, command.position);
  batch_.put(Family::meta, follower_key(command.name), value);
  return Done{};
}

}  // namespace bobbin::store
