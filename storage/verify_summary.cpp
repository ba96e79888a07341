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

std::string counted(uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row " : " rows "); }

}  // namespace

// A key of `recency` is not made a second time while bytes of its first life may lie in a file.
void ThreadCheck::check_stamp() {
  if (fixed_.recency_stamp == 0 || fixed_.recency_stamp > dead_recency_stamp_) return;
  mend("its place in the list was that of a deleted thread");
  std::string key;
  append_recency_key(key, user_, fixed_.recency_stamp, thread_);
  fixes_.remove(Family::recency, key);
  fixed_.recency_stamp = dead_recency_stamp_ + 1;
}

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
  const uint64_t stamp_min = std::max({newest_order_, active_ ? active_->answer_order : 0, fixed_.stamp_floor});
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
  if ((fixed_.flags & thread_flags::kTitleOwn) == 0 && fixed_.title != title_) {
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
  TRY_ASSIGN(const Lookup found, look_up(database_, options_, Family::recency, key, row));
  if (found == Lookup::unreadable || (found == Lookup::found && to_view(row) == summary_bytes_)) return {};
  findings_.add(Family::recency, key, found == Lookup::found ? "differs from its thread's summary" : "is missing",
                fixes_.mark());
  must_write_ = true;
  return {};
}

Result<bool> ThreadCheck::find_summary() {
  const bool is_missing = summary_damage_ == nullptr;
  const std::string what = is_missing ? "is missing" : summary_damage_;
  // Most often: it was deleted, and all that is left of it is what the eraser will come for.
  if (is_missing && rows_.empty()) {
    mend_erasures(leftovers_, "of a thread that was deleted");
    return false;
  }
  TRY_ASSIGN(const auto word, last_word());
  if (is_missing && word == 0) {
    drop_rows("of a thread that was deleted");
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
    drop_rows("of a thread that does not exist");
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
  summary.last_stamp = std::max({newest_order_, run_stamp_max_, dead_order_});
  summary.stamp_floor = dead_order_;
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
  TRY_ASSIGN(const Lookup found, look_up(database_, options_, Family::messages, key, value));
  if (found != Lookup::found) return std::nullopt;
  auto message = decode_message(to_view(value), order);
  if (!message) return std::nullopt;
  return std::move(*message);
}

void ThreadCheck::drop_rows(const char* why) {
  RowsOfFamilies rows = rows_;
  if (rows.erase(Family::queue) != 0) {
    const Rows& queue = rows_[Family::queue];
    findings_.add(Family::queue, queue.first_key, counted(queue.count) + why, fixes_.mark());
    for (const Entry& entry : queue_) {
      std::string key;
      append_queue_key(key, user_, thread_, entry.position);
      fixes_.remove(Family::queue, key);
    }
  }
  for (const auto& [family, left] : leftovers_) {
    Rows& all = rows[family];
    if (all.count == 0) all.first_key = left.first_key;
    all.count += left.count;
  }
  mend_erasures(rows, why);
}

// The rows are not deleted here: their bytes must go from every file as well, which is the eraser's work. It deletes
// messages up to a stamp and runs up to an incarnation; every deletion has ended the incarnations before its sequence.
void ThreadCheck::mend_erasures(const RowsOfFamilies& leftovers, const char* why) {
  for (const auto& [family, rows] : leftovers) {
    findings_.add(family, rows.first_key, counted(rows.count) + why, fixes_.mark());
  }
  for (const auto& [deletion, damage] : damaged_erasures_) {
    put_erasure(deletion, deletion - 1);
    std::string key;
    append_erasure_key(key, user_, thread_, deletion);
    findings_.add(Family::erasures, key, damage, fixes_.mark());
  }
  if (leftovers.empty() || !damaged_erasures_.empty()) return;
  const uint64_t deletion =
      deletion_ != 0 ? deletion_ : (summary_ ? summary_->incarnation - 1 : findings_.report().last_sequence);
  put_erasure(deletion, 0);
}

// Of all that is dead here.
void ThreadCheck::put_erasure(uint64_t deletion, uint64_t incarnation_min) {
  const auto known = erasures_.find(deletion);
  ErasureRecord erasure = known != erasures_.end() ? known->second : ErasureRecord{};
  erasure.stage = ErasureRecord::Stage::rows;
  erasure.incarnation = std::max({erasure.incarnation, incarnation_min, dead_incarnation_});
  if (summary_) {
    erasure.incarnation = std::max(erasure.incarnation, summary_->incarnation - 1);
    erasure.last_stamp = std::max(erasure.last_stamp, summary_->stamp_floor);
  } else {
    erasure.incarnation = std::max(erasure.incarnation, max_incarnation_);
    erasure.last_stamp = std::max(erasure.last_stamp, max_order_);
    erasure.recency_stamp = std::max(erasure.recency_stamp, max_order_);  // stamps are times: that is near enough
  }
  if (erasure.deleted_us == 0) erasure.deleted_us = static_cast<int64_t>(erasure.last_stamp);
  std::string key;
  append_erasure_key(key, user_, thread_, deletion);
  std::string value;
  append_erasure_record(value, erasure);
  fixes_.put(Family::erasures, key, value);
}

// The newest deletion that is noted says so too, and nothing before it matters.
Result<std::optional<uint64_t>> ThreadCheck::last_word() const {
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options_, database_.family(Family::changes)));
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    if (parse_change_key(to_view(it->key())).value_or(UINT64_MAX) < deletion_) return 0;
    const auto change = decode_change(to_view(it->value()));
    if (!change || change->user != user_ || !(change->thread.empty() || change->thread == thread_)) continue;
    const bool deleted = change->operation == ChangeOperation::thread_deleted ||
                         change->operation == ChangeOperation::user_threads_deleted;
    return deleted ? 0 : change->incarnation;
  }
  if (!it->status().ok() && !it->status().IsCorruption()) return fail(from_rocksdb(it->status()));
  if (deletion_ != 0 && it->status().ok()) return 0;  // older than all changes that are kept
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
    if (!summary || summary->recency_stamp != key->stamp || summary->incarnation <= dead_incarnation_) continue;
    return std::move(*summary);
  }
  if (const auto status = scan.status(); !status && status.error().code != Code::corrupt) return fail(status.error());
  return std::nullopt;
}

}  // namespace bobbin::store
