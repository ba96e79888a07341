#include "storage/verify_changes.h"

#include "storage/keys.h"
#include "storage/records.h"
#include "storage/row_check.h"

namespace bobbin::store {

Result<void> ChangeLogCheck::on_change(std::string_view key, std::string_view value) {
  const auto checked = check_row(Family::changes, key, value);
  if (!checked) findings_.add(Family::changes, key, checked.error().detail);
  const auto sequence = parse_change_key(key);
  if (!sequence) return {};
  uint64_t& last_sequence = findings_.report().last_sequence;
  if (first_sequence_ == 0) {
    first_sequence_ = *sequence;
  } else if (*sequence != last_sequence + 1) {
    findings_.add(Family::changes, key, "the entry before it is " + std::to_string(last_sequence));
  }
  last_sequence = *sequence;
  if (!checked) return {};

  const ChangeRecord change = *decode_change(value);
  std::string feed_key;
  append_feed_key(feed_key, change.user, *sequence);
  std::string event;
  append_feed_record(event, {.operation = change.operation,
                             .at_us = change.at_us,
                             .thread = change.thread,
                             .incarnation = change.incarnation,
                             .run_id = change.run_id});
  rocksdb::PinnableSlice found_event;
  TRY_ASSIGN(const Lookup found, look_up(database_, options_, Family::feed, feed_key, found_event));
  if (found == Lookup::unreadable || (found == Lookup::found && to_view(found_event) == event)) return {};
  findings_.add(Family::feed, feed_key, found == Lookup::found ? "is not what the change log says" : "is missing",
                fixes_.mark());
  fixes_.put(Family::feed, feed_key, event);
  return fixes_.commit_if_large();
}

Result<void> ChangeLogCheck::finish_changes() {
  rocksdb::PinnableSlice value;
  TRY_ASSIGN(const Lookup lookup, look_up(database_, options_, Family::meta, kFirstChangeKey, value));
  if (lookup == Lookup::unreadable) return {};
  const bool found = lookup == Lookup::found;
  const Result<uint64_t> said = found ? decode_number(to_view(value)) : Result<uint64_t>(1);
  if (first_sequence_ == 0) {
    if (found) findings_.add(Family::meta, kFirstChangeKey, "the change log is empty, though its newest entry stays");
    return {};
  }
  if (said && *said == first_sequence_) return {};
  // Entries from the front are gone: followers that had not taken them must hear that they have lost the thread.
  std::string what = said ? "says " + std::to_string(*said) : said.error().detail;
  what.append("; the oldest change is ").append(std::to_string(first_sequence_));
  findings_.add(Family::meta, kFirstChangeKey, std::move(what), fixes_.mark());
  std::string record;
  append_number_record(record, first_sequence_);
  fixes_.put(Family::meta, kFirstChangeKey, record);
  return {};
}

// Every event that a change asks for has been compared with it: here are those that no change asks for.
Result<void> ChangeLogCheck::on_feed_event(std::string_view key, std::string_view value) {
  const auto drop = [&](const char* what) {
    findings_.add(Family::feed, key, what, fixes_.mark());
    fixes_.remove(Family::feed, key);
    return fixes_.commit_if_large();
  };
  const auto parsed = parse_feed_key(key);
  if (!parsed) return drop("key does not fit its layout");
  std::string change_key;
  append_change_key(change_key, parsed->sequence);
  rocksdb::PinnableSlice row;
  TRY_ASSIGN(const Lookup found, look_up(database_, options_, Family::changes, change_key, row));
  if (found == Lookup::absent) return drop("its change is not in the change log");
  const auto change = found == Lookup::found ? decode_change(to_view(row)) : fail(Code::corrupt);
  if (change && change->user != parsed->user) return drop("its change is another user's");
  if (change) return {};
  // The change is damaged, which has been said: the event may be what is left of it.
  if (const auto checked = check_row(Family::feed, key, value); !checked) {
    findings_.add(Family::feed, key, checked.error().detail);
  }
  return {};
}

}  // namespace bobbin::store
