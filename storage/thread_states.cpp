#include "storage/thread_states.h"

#include <algorithm>

#include "storage/keys.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {

Result<ThreadState*> ThreadStates::thread(const std::string& user, const std::string& thread) {
  std::string key;
  append_thread_prefix(key, user, thread);
  if (ThreadState* known = threads_.find(key)) return known;
  TRY_ASSIGN(ThreadState loaded, load_thread(key, user, thread));
  return &threads_.insert(key, std::move(loaded));
}

Result<UserState*> ThreadStates::user(const std::string& user) {
  if (UserState* known = users_.find(user)) return known;
  TRY_ASSIGN(UserState loaded, load_user(user));
  return &users_.insert(user, std::move(loaded));
}

Result<ThreadState> ThreadStates::load_thread(const std::string& key, const std::string& user,
                                              const std::string& thread) const {
  ThreadState state;
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(state.exists, database_.get(read_options(), Family::threads, key, value));
  if (!state.exists) {
    TRY_ASSIGN(state.summary.stamp_floor, load_stamp_floor(user, thread));
    return state;
  }
  auto summary = decode_summary(to_view(value), thread);
  if (!summary) return fail(corrupt_row(Family::threads, key, summary.error()));
  state.summary = std::move(*summary);
  TRY(load_queue(user, thread, state));
  if (!state.has_active()) return state;

  std::string run_key;
  append_run_key(run_key, user, thread, state.summary.active_run);
  rocksdb::PinnableSlice run_value;
  TRY_ASSIGN(const bool found, database_.get(read_options(), Family::runs, run_key, run_value));
  if (!found) return fail(corrupt_row(Family::runs, run_key, Error(Code::corrupt, 0, "active run has no record")));
  auto run = decode_run(to_view(run_value));
  if (!run) return fail(corrupt_row(Family::runs, run_key, run.error()));
  state.active = std::move(*run);
  return state;
}

Result<uint64_t> ThreadStates::load_stamp_floor(const std::string& user, const std::string& thread) const {
  std::string prefix;
  append_thread_prefix(prefix, user, thread);
  Scan scan(database_, Family::erasures, Scan::Within::one_owner, read_options(), prefix, prefix_end(prefix));
  uint64_t floor = 0;
  for (; scan.valid(); scan.next()) {
    const auto erasure = decode_erasure(scan.value());
    if (!erasure) return fail(corrupt_row(Family::erasures, scan.key(), erasure.error()));
    floor = std::max(floor, erasure->last_stamp);
  }
  TRY(scan.status());
  return floor;
}

Result<void> ThreadStates::load_queue(const std::string& user, const std::string& thread, ThreadState& state) const {
  std::string first;
  append_queue_key(first, user, thread, state.summary.queue_head);
  std::string prefix;
  append_thread_prefix(prefix, user, thread);
  Scan scan(database_, Family::queue, Scan::Within::one_owner, read_options(), first, prefix_end(prefix));
  for (; scan.valid(); scan.next()) {
    auto entry = decode_queue(scan.value());
    if (!entry) return fail(corrupt_row(Family::queue, scan.key(), entry.error()));
    const auto key = parse_queue_key(scan.key());
    if (!key) return fail(corrupt_row(Family::queue, scan.key(), Error(Code::corrupt, 0, "not a queue key")));
    if (entry->state == RunState::queued) {
      state.add_waiting({.position = key->position, .run_id = entry->run_id, .group = 0}, entry->goes_first);
    } else if (entry->run_id == state.summary.active_run && state.active_position == 0) {
      state.active_position = key->position;
    } else {
      return fail(corrupt_row(Family::queue, scan.key(), Error(Code::corrupt, 0, "a second active run")));
    }
  }
  TRY(scan.status());
  if (state.has_active() && state.active_position == 0) {
    return fail(corrupt_row(Family::queue, prefix, Error(Code::corrupt, 0, "active run is not in the queue")));
  }
  return {};
}

Result<UserState> ThreadStates::load_user(const std::string& user) const {
  std::string prefix;
  append_user_prefix(prefix, user);
  Scan scan(database_, Family::recency, Scan::Within::one_owner, read_options(), prefix, prefix_end(prefix));
  UserState state;
  if (scan.valid()) {
    const auto key = parse_recency_key(scan.key());
    if (!key) return fail(corrupt_row(Family::recency, scan.key(), Error(Code::corrupt, 0, "not a recency key")));
    state.top_stamp = key->stamp;
    state.top_thread = key->thread;
  }
  TRY(scan.status());
  // No key of recency is made twice while its first life may still lie in a file: FORMAT.md, "Stamps".
  Scan erasures(database_, Family::erasures, Scan::Within::family, read_options(), prefix, prefix_end(prefix));
  for (; erasures.valid(); erasures.next()) {
    const auto erasure = decode_erasure(erasures.value());
    if (!erasure) return fail(corrupt_row(Family::erasures, erasures.key(), erasure.error()));
    if (erasure->recency_stamp <= state.top_stamp) continue;
    state.top_stamp = erasure->recency_stamp;
    state.top_thread.clear();
  }
  TRY(erasures.status());
  return state;
}

}  // namespace bobbin::store
