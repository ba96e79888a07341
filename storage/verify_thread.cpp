#include "storage/verify_thread.h"

#include <algorithm>

#include "src/base/limits.h"
#include "src/base/text.h"
#include "storage/key_layout.h"
#include "storage/keys.h"
#include "storage/row_check.h"

// Takes a thread's rows in; verify_summary.cpp compares them with its summary.
namespace bobbin::store {
ThreadCheck::ThreadCheck(const Database& database, const rocksdb::ReadOptions& options, uint64_t last_sequence,
                         Findings& findings, Fixes& fixes, std::string prefix)
    : database_(database),
      options_(options),
      last_sequence_(last_sequence),
      findings_(findings),
      fixes_(fixes),
      prefix_(std::move(prefix)) {
  const auto key = parse_thread_key(prefix_);
  user_ = key->user;
  thread_ = key->thread;
}

void ThreadCheck::on_row(Family family, std::string_view key, std::string_view value) {
  const auto checked = check_row(family, key, value);
  if (!fits_layout(family, key)) {
    findings_.add(family, key, checked.error().detail);
    return;
  }
  if (!checked && family == Family::threads) {
    summary_damage_ = checked.error().detail;  // a problem once it is known what can be done about it
    return;
  }
  if (family == Family::erasures && !checked) {
    deletion_ = parse_erasure_key(key)->sequence;
    damaged_erasures_.emplace(deletion_, checked.error().detail);  // likewise
    return;
  }
  const auto annotation = family == Family::annotations ? parse_annotation_key(key) : std::nullopt;
  if (!checked && annotation && annotation->kind == AnnotationKind::memory) {
    findings_.add(family, key, checked.error().detail, fixes_.mark());  // derived: gone without loss
    fixes_.remove(family, std::string(key));
    return;
  }
  if (!checked) findings_.add(family, key, checked.error().detail);
  switch (family) {
    case Family::threads: on_summary(value); return;
    case Family::erasures: on_erasure(key, value); return;
    case Family::queue:
      if (checked) on_queue_entry(key, value);
      break;
    case Family::runs:
      if (checked && is_dead_run(key, *decode_run(value))) return;
      if (checked) on_run(key, value);
      break;
    case Family::annotations:
      if (!annotation || is_dead(family, key, annotation->order)) return;
      if (annotation->kind == AnnotationKind::memory) memories_.insert(annotation->order);
      break;
    case Family::messages:
      if (is_dead(family, key, parse_message_key(key)->order)) return;
      on_message(key, checked ? value : std::string_view());
      break;
    default: break;
  }
  rows_[family].add(key);
}

void ThreadCheck::on_summary(std::string_view value) {
  summary_ = *decode_summary(value, thread_);
  summary_bytes_ = value;
}

void ThreadCheck::on_erasure(std::string_view key, std::string_view value) {
  deletion_ = parse_erasure_key(key)->sequence;
  const ErasureRecord& erasure = erasures_[deletion_] = *decode_erasure(value);
  dead_order_ = std::max(dead_order_, erasure.last_stamp);
  dead_incarnation_ = std::max(dead_incarnation_, erasure.incarnation);
  dead_recency_stamp_ = std::max(dead_recency_stamp_, erasure.recency_stamp);
  if (erasure.stage == ErasureRecord::Stage::rows) {
    erased_order_ = std::max(erased_order_, erasure.last_stamp);
    erased_incarnation_ = std::max(erased_incarnation_, erasure.incarnation);
  }
  if (!summary_) return;
  if (summary_->incarnation > erasure.incarnation) {
    if (summary_->stamp_floor >= erasure.last_stamp) return;
    mend("messages of a deleted thread would be taken for its own");
    summary_->stamp_floor = erasure.last_stamp;
    must_write_ = true;
    return;
  }
  findings_.add(Family::threads, prefix_, "it is there, though it was deleted", fixes_.mark());
  fixes_.remove(Family::threads, prefix_);
  std::string recency_key;
  append_recency_key(recency_key, user_, summary_->recency_stamp, thread_);
  fixes_.remove(Family::recency, recency_key);
  summary_.reset();
}

bool ThreadCheck::is_dead(Family family, std::string_view key, uint64_t order) {
  max_order_ = std::max(max_order_, order);
  if (order > (summary_ ? summary_->stamp_floor : dead_order_)) return false;
  if (order > erased_order_ && damaged_erasures_.empty()) leftovers_[family].add(key);
  return true;
}

bool ThreadCheck::is_dead_run(std::string_view key, const RunRecord& run) {
  if (summary_ && run.incarnation > summary_->incarnation) return false;
  max_incarnation_ = std::max(max_incarnation_, run.incarnation);
  if (summary_ ? run.incarnation == summary_->incarnation : run.incarnation > dead_incarnation_) return false;
  if (run.incarnation > erased_incarnation_ && damaged_erasures_.empty()) leftovers_[Family::runs].add(key);
  return true;
}

void ThreadCheck::on_queue_entry(std::string_view key, std::string_view value) {
  Entry entry{parse_queue_key(key)->position, *decode_queue(value)};
  entry.record.content.clear();
  entry.record.options.clear();
  queue_.push_back(std::move(entry));
}

void ThreadCheck::on_run(std::string_view key, std::string_view value) {
  const Uuid run_id = parse_run_key(key)->run_id;
  RunRecord run = *decode_run(value);
  if (summary_ && run.incarnation != summary_->incarnation) {
    findings_.add(Family::runs, key, "is of a later incarnation than its thread", fixes_.mark());
    fixes_.remove(Family::runs, key);
    return;
  }
  run_incarnation_ = std::max(run_incarnation_, run.incarnation);
  run_stamp_max_ = std::max(run_stamp_max_, run.answer_order);
  run.terminal_event.clear();
  if (summary_ && run_id == summary_->active_run) active_ = run;
  if (run.state == RunState::running) running_.emplace(run_id, std::move(run));
}

// Newest first. An empty `value`: the row is there, but what it says is lost.
void ThreadCheck::on_message(std::string_view key, std::string_view value) {
  const uint64_t order = parse_message_key(key)->order;
  report_missing_parents(order);
  memories_.erase(order);
  ++messages_;
  if (messages_ == 1) newest_order_ = order;
  if (parent_before_ && *parent_before_ != order) branched_ = true;
  if (summary_ && order == summary_->active_leaf) leaf_exists_ = true;
  for (const auto& [run_id, run] : running_) question_exists_ |= run.user_order == order;
  if (value.empty()) {
    has_damaged_message_ = true;
    parent_before_.reset();
    wanted_.erase(order);
    return;
  }
  const Message message = *decode_message(value, order);
  check_links(message, key);
  parent_before_ = message.parent_order;
  oldest_ = tip_of(message);
  title_ = cut_line(message.content, limits::kTitleGraphemesMax);
  if (newest_.order == 0) newest_ = oldest_;
  if (summary_ && order == summary_->active_leaf) leaf_ = oldest_;
  for (Tip* tip : {&newest_, &leaf_}) {
    if (tip->preview_from != order) continue;
    tip->preview = oldest_.preview;
    tip->preview_from = 0;
  }
}

ThreadCheck::Tip ThreadCheck::tip_of(const Message& message) {
  Tip tip{.order = message.order,
          .depth = message.depth,
          .preview = cut_line(message.content, limits::kPreviewGraphemesMax),
          .preview_from = 0,
          .created_us = message.created_us,
          .run_id = message.run_id};
  if (tip.preview.empty() && message.role == Role::assistant) tip.preview_from = message.parent_order;
  return tip;
}

void ThreadCheck::check_links(const Message& message, std::string_view key) {
  const auto stamp = uuid_v7_stamp_us(message.id);
  if (!stamp || *stamp != message.order) findings_.add(Family::messages, key, "its id is not that of its order");
  if (const auto wanted = wanted_.find(message.order); wanted != wanted_.end()) {
    if (wanted->second.depth != message.depth) {
      std::string child;
      append_message_key(child, user_, thread_, wanted->second.child);
      findings_.add(Family::messages, child, "its depth is not its parent's and one");
    }
    wanted_.erase(wanted);
  }
  if (message.parent_order == 0) {
    if (message.depth != 1) findings_.add(Family::messages, key, "it has no parent, but a depth other than 1");
    return;
  }
  if (message.parent_order >= message.order) {
    findings_.add(Family::messages, key, "its parent is not older than itself");
    return;
  }
  const Parent parent{message.depth - 1, message.order};
  const auto [known, is_new] = wanted_.emplace(message.parent_order, parent);
  if (!is_new && known->second.depth != parent.depth) {
    findings_.add(Family::messages, key, "its depth is not that of another answer to the same message");
  }
}

// Rows come newest first: a parent that is younger than the row at hand does not come any more.
void ThreadCheck::report_missing_parents(uint64_t younger_than) {
  while (!wanted_.empty() && wanted_.rbegin()->first > younger_than) {
    std::string child;
    append_message_key(child, user_, thread_, wanted_.rbegin()->second.child);
    findings_.add(Family::messages, child, "its parent message is missing");
    wanted_.erase(std::prev(wanted_.end()));
  }
}

void ThreadCheck::check_memories() {
  for (const uint64_t order : memories_) {
    std::string key;
    append_annotation_key(key, user_, thread_, order, AnnotationKind::memory);
    findings_.add(Family::annotations, key, "a memory of a message that is missing", fixes_.mark());
    fixes_.remove(Family::annotations, key);
  }
}

Result<void> ThreadCheck::finish() {
  report_missing_parents(0);
  if (!summary_) {
    TRY_ASSIGN(const bool found, find_summary());
    if (!found) return fixes_.commit_if_large();
    TRY(look_up_leaf());
    must_write_ = true;
  }
  check_memories();
  fixed_ = *summary_;
  mend_erasures(leftovers_, "of a deleted thread, which nothing erases");
  check_stamp();
  check_counts();
  check_texts();
  check_sequence();
  check_run();
  check_queue();
  end_stray_runs();
  must_write_ |= fixed_ != *summary_;
  TRY(check_recency());
  if (must_write_) {
    // The row in recency is put a second time: FORMAT.md, "stamp of a recency key".
    if (fixed_.recency_stamp == 0) {
      fixed_.recency_stamp = std::max({newest_order_, dead_recency_stamp_ + 1, uint64_t{1}});
    }
    fixed_.flags |= thread_flags::kRecencyRewritten;
    std::string value;
    append_summary_record(value, fixed_);
    std::string recency_key;
    append_recency_key(recency_key, user_, fixed_.recency_stamp, thread_);
    fixes_.put(Family::threads, prefix_, value);
    fixes_.put(Family::recency, recency_key, value);
  }
  return fixes_.commit_if_large();
}

}  // namespace bobbin::store
