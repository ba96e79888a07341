#include <algorithm>

#include "src/base/json.h"
#include "src/base/limits.h"
#include "storage/keys.h"
#include "storage/scan.h"
#include "storage/verify_thread.h"

// Compares a thread's summary with its rows, and finds another one where it is lost.
namespace bobbin::store {
namespace {

std::string says(const char* what, uint64_t said, uint64_t found) {
  return std::string(what) + ": says " + std::to_string(said) + ", is " + std::to_string(found);
}

}  // namespace

void ThreadCheck::check_counts() {
  if (fixed_.total_messages != messages_) {
    mend(says("number of messages", fixed_.total_messages, messages_));
    fixed_.total_messages = messages_;
  }
  if (fixed_.newest_order != newest_order_) {
    mend(says("newest message", fixed_.newest_order, newest_order_));
    fixed_.newest_order = newest_order_;
  }
  if (!leaf_exists_ && fixed_.active_leaf != newest_.order) {
    mend("its active branch ends with a message that does not exist");
    leaf_ = newest_;
    fixed_.active_leaf = newest_.order;
  }
  const bool leaf_is_known = leaf_.order != 0 || messages_ == 0;
  if (leaf_is_known && fixed_.message_count != leaf_.depth) {
    mend(says("messages of the active branch", fixed_.message_count, leaf_.depth));
    fixed_.message_count = leaf_.depth;
  }
  const uint64_t stamp_min = std::max(newest_order_, active_ ? active_->answer_order : 0);
  if (fixed_.last_stamp < stamp_min) {
    mend("its last stamp is older than its newest message");
    fixed_.last_stamp = stamp_min;
  }
  const bool branched = branched_ || (messages_ > 0 && fixed_.active_leaf != newest_order_);
  if (branched && (fixed_.flags & thread_flags::kBranched) == 0) {
    mend("it has branches, but is not marked so");
    fixed_.flags |= thread_flags::kBranched;
  }
}

void ThreadCheck::check_texts() {
  if (has_damaged_message_ || messages_ == 0) return;
  if ((fixed_.flags & thread_flags::kTitleSet) == 0 && fixed_.title != title_) {
    mend("its title is not that of its first message");
    fixed_.title = title_;
  }
  // preview_from: the parent whose text would be shown is missing, which is a problem of its own.
  if (leaf_.order != 0 && leaf_.preview_from == 0 && fixed_.preview != leaf_.preview) {
    mend("its preview is not that of its last message");
    fixed_.preview = leaf_.preview;
  }
}

// The counter of changes begins from the newest entry: were that behind, numbers would be given out twice.
void ThreadCheck::check_sequence() {
  if (fixed_.incarnation == 0 || fixed_.incarnation > last_sequence_) {
    findings_.add(Family::threads, prefix_, "it was made by a change that the change log does not reach");
  }
  for (const Entry& entry : queue_) {
    if (entry.position <= last_sequence_) continue;
    std::string key;
    append_queue_key(key, user_, thread_, entry.position);
    findings_.add(Family::queue, key, "it was made by a change that the change log does not reach");
  }
}

void ThreadCheck::check_run() {
  const auto has_running_entry = [&](const Uuid& run_id) {
    return std::any_of(queue_.begin(), queue_.end(), [&](const Entry& entry) {
      return entry.record.state == RunState::running && entry.record.run_id == run_id;
    });
  };
  if (fixed_.active_run.is_zero()) {
    for (const auto& [run_id, run] : running_) {
      if (!has_running_entry(run_id)) continue;
      mend("a run is active, but the thread does not know it");
      fixed_.active_run = run_id;
      active_ = run;
      break;
    }
  }
  if (fixed_.active_run.is_zero()) return;
  if (!active_ || active_->state != RunState::running) {
    mend("its active run has no record in state running");
    fixed_.active_run = Uuid{};
    return;
  }
  if (!question_exists_) {
    std::string key;
    append_run_key(key, user_, thread_, fixed_.active_run);
    findings_.add(Family::runs, key, "its question is missing");
  }
  if (!has_running_entry(fixed_.active_run)) {
    findings_.add(Family::threads, prefix_, "its active run is not in the queue", fixes_.mark());
    put_queue_entry_of(*active_);
  }
}

// At the front of the queue, where a run's own entry stands.
void ThreadCheck::put_queue_entry_of(const RunRecord& run) {
  QueueRecord entry;
  entry.state = RunState::running;
  entry.kind = run.kind;
  entry.run_id = fixed_.active_run;
  entry.created_us = run.started_us;
  uint64_t position = fixed_.queue_head;
  if (!queue_.empty() && queue_.front().position <= position) position = queue_.front().position - 1;
  fixed_.queue_head = position;
  std::string key;
  append_queue_key(key, user_, thread_, position);
  std::string value;
  append_queue_record(value, entry);
  fixes_.put(Family::queue, key, value);
}

void ThreadCheck::check_queue() {
  bool is_first = true;
  for (const Entry& entry : queue_) {
    std::string key;
    append_queue_key(key, user_, thread_, entry.position);
    const bool is_active = !fixed_.active_run.is_zero() && entry.record.run_id == fixed_.active_run;
    if (entry.record.state == RunState::running && !is_active) {
      findings_.add(Family::queue, key, "is in state running, but its run is not active", fixes_.mark());
      fixes_.remove(Family::queue, key);
      continue;
    }
    if (entry.position < fixed_.queue_head) {
      mend(says("beginning of its queue", fixed_.queue_head, entry.position));
      fixed_.queue_head = entry.position;
    }
    if (is_active && !is_first) findings_.add(Family::queue, key, "its run is active, but another waits before it");
    is_first = false;
  }
}

void ThreadCheck::end_stray_runs() {
  for (auto& [run_id, run] : running_) {
    if (run_id == fixed_.active_run) continue;
    std::string key;
    append_run_key(key, user_, thread_, run_id);
    findings_.add(Family::runs, key, "is in state running, but not active", fixes_.mark());
    run.state = RunState::interrupted;
    run.finished_us = run.started_us;
    run.terminal_event_id = 2;  // after `start`, which every stream begins with
    json::Object event(run.terminal_event);
    event.field("type", "interrupted").field("thread_id", thread_).field("run_id", run_id.to_string()).close();
    std::string value;
    append_run_record(value, run);
    fixes_.put(Family::runs, key, value);
  }
}

Result<void> ThreadCheck::check_recency() {
  if (summary_bytes_.empty()) return {};  // found elsewhere, and will be written
  std::string key;
  append_recency_key(key, user_, summary_->recency_stamp, thread_);
  rocksdb::PinnableSlice row;
  TRY_ASSIGN(const bool found, database_.get(options_, Family::recency, key, row));
  if (found && to_view(row) == summary_bytes_) return {};
  findings_.add(Family::recency, key, found ? "differs from its thread's summary" : "is missing", fixes_.mark());
  must_write_ = true;
  return {};
}

Result<bool> ThreadCheck::find_summary() {
  const bool is_missing = summary_damage_ == nullptr;
  const std::string what = is_missing ? "is missing" : summary_damage_;
  TRY_ASSIGN(const auto word, last_word());
  if (is_missing && word == 0) {
    TRY(drop_rows("of a thread that was deleted"));
    return false;
  }
  TRY_ASSIGN(summary_, find_recency_copy());
  if (summary_) {
    findings_.add(Family::threads, prefix_, what + "; its copy in recency is whole", fixes_.mark());
    return true;
  }
  const uint64_t incarnation = word.value_or(run_incarnation_);
  if (newest_.order != 0 && incarnation != 0) {
    findings_.add(Family::threads, prefix_,
                  what + "; its messages say what it was, but for a title of its own, folder, tags and marks",
                  fixes_.mark());
    summary_ = rebuilt_summary(incarnation);
    return true;
  }
  if (is_missing && messages_ == 0) {
    TRY(drop_rows("of a thread that does not exist"));
    return false;
  }
  findings_.add(Family::threads, prefix_, what + "; nothing says what it was");
  return false;
}

ThreadSummary ThreadCheck::rebuilt_summary(uint64_t incarnation) const {
  ThreadSummary summary;
  summary.thread = thread_;
  summary.incarnation = incarnation;
  summary.title = title_;
  summary.preview = newest_.preview;
  summary.created_us = oldest_.created_us;
  summary.updated_us = newest_.created_us;
  summary.message_count = newest_.depth;
  summary.total_messages = messages_;
  summary.active_leaf = newest_.order;
  summary.newest_order = newest_order_;
  summary.last_stamp = std::max(newest_order_, run_stamp_max_);
  summary.newest_run = newest_.run_id;
  summary.queue_head = queue_.empty() ? 0 : queue_.front().position;
  if (branched_ || newest_.order != newest_order_) summary.flags |= thread_flags::kBranched;
  return summary;
}

// The leaf and the active run were not known while the rows went by.
Result<void> ThreadCheck::look_up_leaf() {
  if (const auto run = running_.find(summary_->active_run); run != running_.end()) active_ = run->second;
  leaf_ = Tip{};
  if (summary_->active_leaf == newest_.order) {
    leaf_ = newest_;
    leaf_exists_ = true;
    return {};
  }
  TRY_ASSIGN(const auto message, read_message(summary_->active_leaf));
  if (!message) return {};
  leaf_exists_ = true;
  leaf_ = tip_of(*message);
  if (leaf_.preview_from == 0) return {};
  TRY_ASSIGN(const auto parent, read_message(leaf_.preview_from));
  if (!parent) return {};
  leaf_.preview = tip_of(*parent).preview;
  leaf_.preview_from = 0;
  return {};
}

// nullopt also for one that is damaged: its row has been reported.
Result<std::optional<Message>> ThreadCheck::read_message(uint64_t order) const {
  std::string key;
  append_message_key(key, user_, thread_, order);
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const bool found, database_.get(options_, Family::messages, key, value));
  if (!found) return std::nullopt;
  auto message = decode_message(to_view(value), order);
  if (!message) return std::nullopt;
  return std::move(*message);
}

Result<void> ThreadCheck::drop_rows(const char* why) {
  for (const auto& [family, rows] : rows_) {
    findings_.add(family, rows.first_key, std::to_string(rows.count) + (rows.count == 1 ? " row " : " rows ") + why,
                  fixes_.mark());
    if (!fixes_.enabled()) continue;
    Scan scan(database_, family, Scan::Within::one_owner, options_, prefix_, prefix_end(prefix_));
    for (; scan.valid(); scan.next()) {
      fixes_.remove(family, scan.key());
      TRY(fixes_.commit_if_large());
    }
    TRY(scan.status());
  }
  return {};
}

Result<std::optional<uint64_t>> ThreadCheck::last_word() const {
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options_, database_.family(Family::changes)));
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    const auto change = decode_change(to_view(it->value()));
    if (!change || change->user != user_ || !(change->thread.empty() || change->thread == thread_)) continue;
    const bool deleted = change->operation == ChangeOperation::thread_deleted ||
                         change->operation == ChangeOperation::user_threads_deleted;
    return deleted ? 0 : change->incarnation;
  }
  if (!it->status().ok()) return fail(from_rocksdb(it->status()));
  return std::nullopt;
}

Result<std::optional<ThreadSummary>> ThreadCheck::find_recency_copy() const {
  std::string prefix;
  append_user_prefix(prefix, user_);
  Scan scan(database_, Family::recency, Scan::Within::one_owner, options_, prefix, prefix_end(prefix));
  for (; scan.valid(); scan.next()) {
    const auto key = parse_recency_key(scan.key());
    if (!key || key->thread != thread_) continue;
    auto summary = decode_summary(scan.value(), thread_);
    if (summary && summary->recency_stamp == key->stamp) return std::move(*summary);
  }
  TRY(scan.status());
  return std::nullopt;
}

}  // namespace bobbin::store
