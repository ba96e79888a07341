#include "storage/change_reader.h"

#include <rocksdb/snapshot.h>

#include "src/base/assert.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/rocksdb_options.h"
#include "storage/scan.h"

namespace bobbin::store {
namespace {

// Follower reads pass over the whole store: they must not push out of the cache what users read.
rocksdb::ReadOptions passing_options(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options = read_options();
  options.snapshot = snapshot;
  options.fill_cache = false;
  return options;
}

std::string change_key(uint64_t sequence) {
  std::string key;
  append_change_key(key, sequence);
  return key;
}

// After all sequences: a key of nine bytes.
const std::string kEndOfChanges(9, '\xff');
const std::string kEndOfUsers("\xff", 1);

}  // namespace

Result<uint64_t> ChangeReader::first_kept(const rocksdb::ReadOptions& options) const {
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(options, Family::meta, kFirstChangeKey, value));
  if (!found) return 1;
  auto first = decode_number(to_view(value));
  if (!first) return fail(corrupt_row(Family::meta, kFirstChangeKey, first.error()));
  return *first;
}

Result<ChangeReader::Kept> ChangeReader::kept(const rocksdb::ReadOptions& options) const {
  Kept kept;
  TRY_ASSIGN(kept.first, first_kept(options));
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, database_.family(Family::changes)));
  it->SeekToLast();
  if (!it->status().ok()) return fail(from_rocksdb(it->status()));
  if (!it->Valid()) return kept;
  const auto last = parse_change_key(to_view(it->key()));
  if (!last) {
    return fail(corrupt_row(Family::changes, to_view(it->key()), Error(Code::corrupt, 0, "not a change key")));
  }
  kept.last = *last;
  return kept;
}

Result<ChangesPage> ChangeReader::read_changes(uint64_t after, uint32_t limit, size_t bytes_max) const {
  BOBBIN_ASSERT(limit >= 1);
  rocksdb::ManagedSnapshot snapshot(&database_.db());
  const rocksdb::ReadOptions options = passing_options(snapshot.snapshot());
  ChangesPage page;
  TRY_ASSIGN(const Kept kept, this->kept(options));
  page.last_sequence = kept.last;
  page.lost = kept.has_lost(after);
  if (page.lost) return page;
  Scan scan(database_, Family::changes, Scan::Within::family, options, change_key(after + 1), kEndOfChanges);
  size_t bytes = 0;
  for (; scan.valid() && page.changes.size() < limit; scan.next()) {
    bytes += scan.value().size();
    if (!page.changes.empty() && bytes > bytes_max) break;
    const auto sequence = parse_change_key(scan.key());
    if (!sequence || *sequence != after + 1 + page.changes.size()) {
      return fail(corrupt_row(Family::changes, scan.key(), Error(Code::corrupt, 0, "a gap in the change log")));
    }
    auto change = decode_change(scan.value());
    if (!change) return fail(corrupt_row(Family::changes, scan.key(), change.error()));
    page.changes.push_back({.sequence = *sequence,
                            .operation = change->operation,
                            .at_us = change->at_us,
                            .user = std::move(change->user),
                            .thread = std::move(change->thread),
                            .incarnation = change->incarnation,
                            .run_id = change->run_id,
                            .keys = std::move(change->keys)});
  }
  TRY(scan.status());
  return page;
}

Result<FeedPage> ChangeReader::read_feed(const std::string& user, uint64_t after, uint32_t limit) const {
  BOBBIN_ASSERT(limit >= 1);
  FeedPage page;
  if (user.empty() || user.size() > 128) return page;
  rocksdb::ManagedSnapshot snapshot(&database_.db());
  rocksdb::ReadOptions options = passing_options(snapshot.snapshot());
  TRY_ASSIGN(const Kept kept, this->kept(options));
  page.last_sequence = kept.last;
  page.lost = kept.has_lost(after);
  if (page.lost) return page;
  std::string first;
  append_feed_key(first, user, after + 1);
  std::string prefix;
  append_user_prefix(prefix, user);
  Scan scan(database_, Family::feed, Scan::Within::one_owner, options, first, prefix_end(prefix));
  for (; scan.valid() && page.events.size() < limit; scan.next()) {
    const auto key = parse_feed_key(scan.key());
    if (!key) return fail(corrupt_row(Family::feed, scan.key(), Error(Code::corrupt, 0, "not a feed key")));
    auto event = decode_feed(scan.value());
    if (!event) return fail(corrupt_row(Family::feed, scan.key(), event.error()));
    page.events.push_back({.sequence = key->sequence,
                           .operation = event->operation,
                           .at_us = event->at_us,
                           .thread = std::move(event->thread),
                           .incarnation = event->incarnation,
                           .run_id = event->run_id});
  }
  TRY(scan.status());
  return page;
}

Result<std::optional<uint64_t>> ChangeReader::follower_position(const std::string& name) const {
  const std::string key = follower_key(name);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(read_options(), Family::meta, key, value));
  if (!found) return std::nullopt;
  const auto position = decode_number(to_view(value));
  if (!position) return fail(corrupt_row(Family::meta, key, position.error()));
  return *position;
}

Result<std::optional<FollowedRow>> ChangeReader::read_row(const ChangedKey& key) const {
  rocksdb::ManagedSnapshot snapshot(&database_.db());
  const rocksdb::ReadOptions options = passing_options(snapshot.snapshot());
  const auto message = key.family == static_cast<uint8_t>(Family::messages) ? parse_message_key(key.key) : std::nullopt;
  const auto thread = key.family == static_cast<uint8_t>(Family::threads) ? parse_thread_key(key.key) : std::nullopt;
  if (!message && !thread) return std::nullopt;
  FollowedRow row;
  row.user = message ? message->user : thread->user;
  row.thread = message ? message->thread : thread->thread;
  std::string summary_key;
  append_thread_prefix(summary_key, row.user, row.thread);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(bool found, database_.get(options, Family::threads, summary_key, value));
  if (!found) return std::nullopt;
  auto summary = decode_summary(to_view(value), row.thread);
  if (!summary) return fail(corrupt_row(Family::threads, summary_key, summary.error()));
  row.incarnation = summary->incarnation;
  if (thread) {
    row.row = std::move(*summary);
    return row;
  }
  if (message->order <= summary->stamp_floor) return std::nullopt;  // of a dead thread of this id
  rocksdb::PinnableSlice message_value;
  TRY_ASSIGN(found, database_.get(options, Family::messages, key.key, message_value));
  if (!found) return std::nullopt;
  auto decoded = decode_message(to_view(message_value), message->order);
  if (!decoded) return fail(corrupt_row(Family::messages, key.key, decoded.error()));
  row.row = std::move(*decoded);
  return row;
}

Result<SnapshotPiece> ChangeReader::read_snapshot(const std::optional<SnapshotCursor>& cursor, size_t bytes_max) const {
  rocksdb::ManagedSnapshot snapshot(&database_.db());
  const rocksdb::ReadOptions options = passing_options(snapshot.snapshot());
  SnapshotPiece piece;
  std::string first("\x01", 1);
  if (cursor) {
    first.clear();
    append_thread_prefix(first, cursor->user, cursor->thread);
  }
  size_t bytes = 0;
  Scan threads(database_, Family::threads, Scan::Within::family, options, first, kEndOfUsers);
  for (; threads.valid(); threads.next()) {
    const auto key = parse_thread_key(threads.key());
    if (!key) return fail(corrupt_row(Family::threads, threads.key(), Error(Code::corrupt, 0, "not a thread key")));
    auto summary = decode_summary(threads.value(), key->thread);
    if (!summary) return fail(corrupt_row(Family::threads, threads.key(), summary.error()));
    const std::string user(key->user);
    uint64_t before = UINT64_MAX;
    if (cursor && cursor->user == user && cursor->thread == summary->thread) {
      if (cursor->order != 0) before = cursor->order;
    } else {
      bytes += threads.value().size();
      piece.rows.push_back({user, summary->thread, summary->incarnation, *summary});
    }
    TRY(read_messages(options, user, *summary, before, bytes_max, bytes, piece));
    if (piece.next) return piece;
  }
  TRY(threads.status());
  return piece;
}

Result<void> ChangeReader::read_messages(const rocksdb::ReadOptions& options, const std::string& user,
                                         const ThreadSummary& summary, uint64_t before, size_t bytes_max, size_t& bytes,
                                         SnapshotPiece& piece) const {
  std::string first;
  append_message_key(first, user, summary.thread, before - 1);
  std::string end;
  append_message_key(end, user, summary.thread, summary.stamp_floor);
  uint64_t last = before == UINT64_MAX ? 0 : before;
  Scan messages(database_, Family::messages, Scan::Within::one_owner, options, first, end);
  for (; messages.valid(); messages.next()) {
    if (bytes >= bytes_max && !piece.rows.empty()) {
      piece.next = SnapshotCursor{user, summary.thread, last};
      break;
    }
    const auto key = parse_message_key(messages.key());
    if (!key) return fail(corrupt_row(Family::messages, messages.key(), Error(Code::corrupt, 0, "not a message key")));
    auto message = decode_message(messages.value(), key->order);
    if (!message) return fail(corrupt_row(Family::messages, messages.key(), message.error()));
    bytes += messages.value().size();
    last = key->order;
    piece.rows.push_back({user, summary.thread, summary.incarnation, std::move(*message)});
  }
  return messages.status();
}

}  // namespace bobbin::store
