#include "storage/reader.h"

#include <algorithm>
#include <charconv>

#include "src/base/assert.h"
#include "src/base/bytes.h"
#include "src/base/limits.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/retention.h"
#include "storage/scan.h"
#include "storage/view.h"

namespace bobbin::store {
namespace {

// Rows of other branches that are stepped over before a seek is cheaper.
constexpr uint32_t kStepsBeforeSeek = 8;

// No id of that size was ever stored.
bool is_id(const std::string& text, size_t bytes_max) { return !text.empty() && text.size() <= bytes_max; }
bool are_ids(const std::string& user, const std::string& thread) {
  return is_id(user, limits::kUserIdBytesMax) && is_id(thread, limits::kThreadIdBytesMax);
}

std::string thread_prefix(const std::string& user, const std::string& thread) {
  std::string prefix;
  append_thread_prefix(prefix, user, thread);
  return prefix;
}

// Every key of a user begins with a size of 1 to 128.
const std::string kFirstUserKey("\x01", 1);
const std::string kEndOfUserKeys("\xff", 1);

}  // namespace

Result<std::optional<ThreadSummary>> Reader::get_summary(const rocksdb::ReadOptions& options, const std::string& user,
                                                         const std::string& thread) const {
  if (!are_ids(user, thread)) return std::nullopt;
  const std::string key = thread_prefix(user, thread);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(options, Family::threads, key, value));
  if (!found) return std::nullopt;
  auto summary = decode_summary(to_view(value), thread);
  if (!summary) return fail(corrupt_row(Family::threads, key, summary.error()));
  return std::move(*summary);
}

// Follows parents from the cursor (or the active leaf) towards the root. In a thread without branches the parent is the
// next row, so this is a plain scan; else the rows of other branches lie between and are stepped over.
Result<HistoryPage> Reader::read_history(const HistoryQuery& query, Tier tier) const {
  BOBBIN_ASSERT(query.limit >= 1);
  const View view(database_, tier);
  HistoryPage page;
  TRY_ASSIGN(const auto summary, get_summary(view.options(), query.user, query.thread));
  if (!summary) return page;
  if (query.cursor && query.cursor->incarnation != summary->incarnation) {
    return fail(Code::gone, 0, "the cursor is of a thread that was deleted");
  }
  page.found = true;
  page.incarnation = summary->incarnation;
  page.message_count = summary->message_count;
  if (!summary->active_run.is_zero()) page.active_run = summary->active_run;
  const uint64_t leaf = query.cursor ? query.cursor->leaf : summary->active_leaf;
  uint64_t wanted = query.cursor ? query.cursor->position : summary->active_leaf;
  // Below lie the rows of a dead thread of this id, until they are erased.
  if (query.cursor && wanted <= summary->stamp_floor) return fail(Code::malformed, 0, "no message at this cursor");

  const std::string prefix = thread_prefix(query.user, query.thread);
  const auto key_of = [&](uint64_t order) {
    std::string key = prefix;
    append_be64(key, ~order);
    return key;
  };
  TRY(view.allow_scan());
  Scan scan(database_, Family::messages, Scan::Within::one_owner, view.options(), key_of(wanted), prefix_end(prefix));
  // Every key of the scan begins with the prefix.
  const auto order_in = [&](std::string_view key) -> std::optional<uint64_t> {
    if (key.size() != prefix.size() + sizeof(uint64_t)) return std::nullopt;
    return ~load_be64(key.data() + prefix.size());
  };
  page.messages.reserve(std::min(query.limit, summary->message_count));
  size_t bytes = 0;
  uint32_t steps = 0;
  while (wanted != 0 && page.messages.size() < query.limit && scan.valid()) {
    const std::optional<uint64_t> order = order_in(scan.key());
    if (!order) return fail(corrupt_row(Family::messages, scan.key(), Error(Code::corrupt, 0, "not a message key")));
    if (*order > wanted) {
      ++steps < kStepsBeforeSeek ? scan.next() : scan.seek(key_of(wanted));
      continue;
    }
    if (*order < wanted) break;
    if (!page.messages.empty() && bytes + scan.value().size() > query.bytes_max) break;
    const std::string_view record = page.texts.keep(scan.value());
    bytes += record.size();
    MessageView& message = page.messages.emplace_back();
    if (const auto decoded = decode_message(record, *order, message); !decoded)
      return fail(corrupt_row(Family::messages, scan.key(), decoded.error()));
    if (message.parent_order >= wanted) {
      return fail(corrupt_row(Family::messages, scan.key(), Error(Code::corrupt, 0, "parent is not older")));
    }
    wanted = message.parent_order;
    // No step beyond the last one: behind a root may lie all that was deleted of the thread that was here before.
    if (wanted == 0 || page.messages.size() == query.limit) break;
    steps = 0;
    scan.next();
  }
  TRY(scan.status());
  if (wanted == 0) return page;
  // A page that is not full ended before the wanted message, by its bytes, or the message is not there.
  const std::optional<uint64_t> next = scan.valid() ? order_in(scan.key()) : std::nullopt;
  if (page.messages.size() < query.limit && next != wanted) {
    if (query.cursor && page.messages.empty()) return fail(Code::malformed, 0, "no message at this cursor");
    return fail(corrupt_row(Family::messages, key_of(wanted), Error(Code::corrupt, 0, "parent message is missing")));
  }
  page.next = HistoryCursor{page.incarnation, leaf, wanted};
  return page;
}

Result<SessionsPage> Reader::list_sessions(const SessionsQuery& query, Tier tier) const {
  BOBBIN_ASSERT(query.limit >= 1);
  SessionsPage page;
  if (!is_id(query.user, limits::kUserIdBytesMax)) return page;
  const View view(database_, tier);
  std::string prefix;
  append_user_prefix(prefix, query.user);
  std::string first = prefix;
  if (query.cursor) {
    first.clear();
    append_recency_key(first, query.user, query.cursor->recency_stamp, query.cursor->thread);
    first.push_back('\0');  // the first key after it
  }
  TRY(view.allow_scan());
  Scan scan(database_, Family::recency, Scan::Within::one_owner, view.options(), std::move(first), prefix_end(prefix));
  size_t bytes = 0;
  for (; scan.valid(); scan.next()) {
    const bool full = page.sessions.size() == query.limit || bytes + scan.value().size() > query.bytes_max;
    if (full && !page.sessions.empty()) {
      const ThreadSummary& last = page.sessions.back();
      page.next = SessionsCursor{last.recency_stamp, last.thread};
      break;
    }
    bytes += scan.value().size();
    const auto key = parse_recency_key(scan.key());
    if (!key) return fail(corrupt_row(Family::recency, scan.key(), Error(Code::corrupt, 0, "not a recency key")));
    auto summary = decode_summary(scan.value(), key->thread);
    if (!summary) return fail(corrupt_row(Family::recency, scan.key(), summary.error()));
    if (summary->recency_stamp != key->stamp) {
      return fail(corrupt_row(Family::recency, scan.key(), Error(Code::corrupt, 0, "stamp differs from its key")));
    }
    page.sessions.push_back(std::move(*summary));
  }
  TRY(scan.status());
  return page;
}

Result<std::optional<ThreadSummary>> Reader::find_thread(const std::string& user, const std::string& thread,
                                                         Tier tier) const {
  const View view(database_, tier);
  return get_summary(view.options(), user, thread);
}

// The entries that wait, next first.
Result<std::deque<QueueRecord>> Reader::scan_queue(const rocksdb::ReadOptions& options, const std::string& user,
                                                   const std::string& thread, uint64_t queue_head) const {
  std::string first;
  append_queue_key(first, user, thread, queue_head);
  Scan scan(database_, Family::queue, Scan::Within::one_owner, options, first, prefix_end(thread_prefix(user, thread)));
  std::deque<QueueRecord> entries;
  for (; scan.valid(); scan.next()) {
    auto entry = decode_queue(scan.value());
    if (!entry) return fail(corrupt_row(Family::queue, scan.key(), entry.error()));
    if (entry->state != RunState::queued) continue;
    entry->goes_first ? entries.push_front(std::move(*entry)) : entries.push_back(std::move(*entry));
  }
  TRY(scan.status());
  return entries;
}

Result<std::vector<QueuedSubmit>> Reader::read_queue(const std::string& user, const std::string& thread,
                                                     Tier tier) const {
  const View view(database_, tier);
  std::vector<QueuedSubmit> waiting;
  TRY_ASSIGN(const auto summary, get_summary(view.options(), user, thread));
  if (!summary) return waiting;
  TRY(view.allow_scan());
  TRY_ASSIGN(std::deque<QueueRecord> entries, scan_queue(view.options(), user, thread, summary->queue_head));
  for (QueueRecord& entry : entries) {
    waiting.push_back({.run_id = entry.run_id,
                       .position = static_cast<uint32_t>(waiting.size() + 1),
                       .content = std::move(entry.content),
                       .created_us = entry.created_us});
  }
  return waiting;
}

Result<std::optional<RunInfo>> Reader::find_run(const std::string& user, const std::string& thread, const Uuid& run_id,
                                                Tier tier) const {
  const View view(database_, tier);
  TRY_ASSIGN(const auto summary, get_summary(view.options(), user, thread));
  if (!summary) return std::nullopt;
  std::string run_key;
  append_run_key(run_key, user, thread, run_id);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(view.options(), Family::runs, run_key, value));
  if (found) {
    auto run = decode_run(to_view(value));
    if (!run) return fail(corrupt_row(Family::runs, run_key, run.error()));
    if (run->incarnation != summary->incarnation) return std::nullopt;  // of a dead thread of this id
    return RunInfo{.run_id = run_id,
                   .state = run->state,
                   .incarnation = run->incarnation,
                   .position = 0,
                   .user_message_id = run->user_message_id,
                   .message_id = run->message_id,
                   .user_order = run->user_order,
                   .answer_order = run->answer_order,
                   .started_us = run->started_us,
                   .finished_us = run->finished_us,
                   .options = std::move(run->options),
                   .terminal_event = std::move(run->terminal_event),
                   .terminal_event_id = run->terminal_event_id};
  }
  TRY(view.allow_scan());
  TRY_ASSIGN(std::deque<QueueRecord> entries, scan_queue(view.options(), user, thread, summary->queue_head));
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].run_id != run_id) continue;
    RunInfo info;
    info.run_id = run_id;
    info.state = RunState::queued;
    info.incarnation = summary->incarnation;
    info.position = static_cast<uint32_t>(i + 1);
    info.started_us = entries[i].created_us;
    info.options = std::move(entries[i].options);
    return info;
  }
  return std::nullopt;
}

Result<std::optional<Message>> Reader::find_message(const std::string& user, const std::string& thread, uint64_t order,
                                                    Tier tier) const {
  const View view(database_, tier);
  TRY_ASSIGN(const auto summary, get_summary(view.options(), user, thread));
  if (!summary || order <= summary->stamp_floor) return std::nullopt;
  std::string key;
  append_message_key(key, user, thread, order);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(view.options(), Family::messages, key, value));
  if (!found) return std::nullopt;
  auto message = decode_message(to_view(value), order);
  if (!message) return fail(corrupt_row(Family::messages, key, message.error()));
  return std::move(*message);
}

Result<std::vector<Memory>> Reader::read_memories(const std::string& user, const std::string& thread, Tier tier) const {
  const View view(database_, tier);
  std::vector<Memory> memories;
  TRY_ASSIGN(const auto summary, get_summary(view.options(), user, thread));
  if (!summary) return memories;
  TRY(view.allow_scan());
  const std::string prefix = thread_prefix(user, thread);
  Scan scan(database_, Family::annotations, Scan::Within::one_owner, view.options(), prefix, prefix_end(prefix));
  for (; scan.valid(); scan.next()) {
    const auto key = parse_annotation_key(scan.key());
    if (!key) return fail(corrupt_row(Family::annotations, scan.key(), Error(Code::corrupt, 0, "not such a key")));
    if (key->order <= summary->stamp_floor) break;  // of a dead thread of this id
    if (key->kind != AnnotationKind::memory) continue;
    auto memory = decode_memory(scan.value(), key->order);
    if (!memory) return fail(corrupt_row(Family::annotations, scan.key(), memory.error()));
    memories.push_back(std::move(*memory));
  }
  TRY(scan.status());
  return memories;
}

Result<std::optional<std::string>> Reader::read_setting(const std::string& user, std::string_view name,
                                                        Tier tier) const {
  if (!is_id(user, limits::kUserIdBytesMax) || name.empty() || name.size() > kSettingNameBytesMax) return std::nullopt;
  const View view(database_, tier);
  std::string key;
  append_setting_key(key, user, name);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(view.options(), Family::settings, key, value));
  if (!found) return std::nullopt;
  auto json = decode_setting(to_view(value));
  if (!json) return fail(corrupt_row(Family::settings, key, json.error()));
  return std::move(*json);
}

Result<uint32_t> Reader::read_user_keep_s(const std::string& user, Tier tier) const {
  TRY_ASSIGN(const std::optional<std::string> json, read_setting(user, kKeepDaysSetting, tier));
  if (!json) return 0;
  uint32_t days = 0;
  const auto [end, error] = std::from_chars(json->data(), json->data() + json->size(), days);
  if (error != std::errc() || end != json->data() + json->size() || days == 0 || days > kKeepDaysMax)
    return fail(Code::corrupt, 0, "keep_days of a user is not a number of days");
  return days * kSecondsPerDay;
}

Result<std::vector<UnfinishedThread>> Reader::unfinished_threads() const {
  const View view(database_, Tier::any);
  std::vector<UnfinishedThread> threads;
  Scan scan(database_, Family::queue, Scan::Within::family, view.options(), kFirstUserKey, kEndOfUserKeys);
  for (; scan.valid(); scan.next()) {
    const auto key = parse_queue_key(scan.key());
    if (!key) return fail(corrupt_row(Family::queue, scan.key(), Error(Code::corrupt, 0, "not a queue key")));
    auto entry = decode_queue(scan.value());
    if (!entry) return fail(corrupt_row(Family::queue, scan.key(), entry.error()));
    if (threads.empty() || threads.back().user != key->user || threads.back().thread != key->thread) {
      threads.push_back({.user = std::string(key->user), .thread = std::string(key->thread)});
    }
    if (entry->state == RunState::running) {
      threads.back().active = true;
    } else {
      ++threads.back().waiting;
    }
  }
  TRY(scan.status());
  return threads;
}

}  // namespace bobbin::store
