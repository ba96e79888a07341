#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/records.h"
#include "storage/verify_findings.h"

namespace bobbin::store {

// Judges one thread: is given its rows family by family, in the order of the functions below and of the keys, then
// compares and mends. Memory: the parents that are still to come (one, where the thread has no branches), the queue's
// entries without their text, and a few lines. Internal to storage; one thread.
class ThreadCheck {
 public:
  // `options` reads the moment that is verified.
  ThreadCheck(const Database& database, const rocksdb::ReadOptions& options, uint64_t last_sequence, Findings& findings,
              Fixes& fixes, std::string prefix);
  ThreadCheck(const ThreadCheck&) = delete;
  ThreadCheck& operator=(const ThreadCheck&) = delete;

  // One row whose key is of this thread, families in this order: threads, erasures, queue, runs, annotations, messages.
  // A row that check_row() refuses is a problem of its own.
  void on_row(Family family, std::string_view key, std::string_view value);
  // After the last row. Errors: io, storage_full.
  Result<void> finish();
  // After finish(): whether this is a thread, not only what is left of deleted ones.
  [[nodiscard]] bool exists() const noexcept { return summary_.has_value(); }

 private:
  // What a summary needs of one message.
  struct Tip {
    uint64_t order = 0;  // 0: not met
    uint32_t depth = 0;
    std::string preview;
    uint64_t preview_from = 0;  // not 0: the message says nothing in a list, and this one, its parent, is shown
    int64_t created_us = 0;
    Uuid run_id;
  };
  struct Entry {
    uint64_t position = 0;
    QueueRecord record;  // without content and options
  };
  // A message that a younger one names as its parent.
  struct Parent {
    uint32_t depth = 0;
    uint64_t child = 0;
  };
  // Some rows of one family.
  struct Rows {
    uint64_t count = 0;
    std::string first_key;
    void add(std::string_view key) {
      if (++count == 1) first_key = key;
    }
  };
  using RowsOfFamilies = std::map<Family, Rows>;

  void on_summary(std::string_view value);
  void on_erasure(std::string_view key, std::string_view value);
  // Whether a row belongs to a deleted thread of this id (FORMAT.md, "Deletion"). Then it has been dealt with: the
  // eraser will come for it, or it is noted in `leftovers_`.
  bool is_dead(Family family, std::string_view key, uint64_t order);
  bool is_dead_run(std::string_view key, const RunRecord& run);
  void on_queue_entry(std::string_view key, std::string_view value);
  void on_run(std::string_view key, std::string_view value);
  void on_message(std::string_view key, std::string_view value);
  void check_links(const Message& message, std::string_view key);
  void report_missing_parents(uint64_t younger_than);
  void check_memories();
  static Tip tip_of(const Message& message);

  // Finds what stands for a summary that is missing or damaged. False: nothing does, and the rest is not looked at.
  Result<bool> find_summary();
  void drop_rows(const char* why);
  // Asks the eraser for dead rows that no row of `erasures` covers, and for those of a row that is damaged.
  void mend_erasures(const RowsOfFamilies& leftovers, const char* why);
  void put_erasure(uint64_t deletion, uint64_t incarnation_min);
  // What the change log says of this thread last: its incarnation, or 0 when it was deleted; nullopt: nothing any more.
  Result<std::optional<uint64_t>> last_word() const;
  Result<std::optional<ThreadSummary>> find_recency_copy() const;
  ThreadSummary rebuilt_summary(uint64_t incarnation) const;
  Result<void> look_up_leaf();
  Result<std::optional<Message>> read_message(uint64_t order) const;

  // Each compares one part of the summary, says what differs and puts it right in `fixed_`.
  void check_stamp();
  void check_counts();
  void check_texts();
  void check_sequence();
  void check_run();
  void check_queue();
  void end_stray_runs();
  Result<void> check_recency();
  void put_queue_entry_of(const RunRecord& run);
  void mend(std::string what) { findings_.add(Family::threads, prefix_, std::move(what), fixes_.mark()); }

  const Database& database_;
  const rocksdb::ReadOptions& options_;
  const uint64_t last_sequence_;
  Findings& findings_;
  Fixes& fixes_;
  const std::string prefix_;  // str(user) | str(thread): also the key in `threads`
  std::string user_;
  std::string thread_;
  RowsOfFamilies rows_;           // but for dead ones, `threads` and `erasures`
  RowsOfFamilies leftovers_;      // dead, and nothing erases them
  uint64_t max_order_ = 0;        // of all rows of messages and annotations, dead or alive
  uint64_t max_incarnation_ = 0;  // of all runs, but for those younger than the summary

  std::map<uint64_t, ErasureRecord> erasures_;        // by the deletion's sequence
  std::map<uint64_t, const char*> damaged_erasures_;  // likewise, and what is wrong
  uint64_t deletion_ = 0;                             // the newest of both; 0: none
  uint64_t dead_order_ = 0;                           // no message of a deleted thread has a larger one …
  uint64_t dead_incarnation_ = 0;                     // … nor a run
  uint64_t dead_recency_stamp_ = 0;
  uint64_t erased_order_ = 0;        // up to here the eraser deletes messages …
  uint64_t erased_incarnation_ = 0;  // … and runs

  const char* summary_damage_ = nullptr;
  std::optional<ThreadSummary> summary_;
  std::string summary_bytes_;  // empty: not those on disk
  ThreadSummary fixed_;
  bool must_write_ = false;

  std::vector<Entry> queue_;
  std::optional<RunRecord> active_;    // the record of the summary's active run
  std::map<Uuid, RunRecord> running_;  // in state running: more than one is damage
  uint64_t run_incarnation_ = 0;       // of some run: for a summary that is lost
  uint64_t run_stamp_max_ = 0;

  std::set<uint64_t> memories_;  // by the message that each ends with, until that has been met
  uint64_t messages_ = 0;
  uint64_t newest_order_ = 0;
  bool has_damaged_message_ = false;  // then nothing is said of what follows from it
  bool branched_ = false;
  bool leaf_exists_ = false;
  bool question_exists_ = false;           // of the active run
  std::optional<uint64_t> parent_before_;  // of the younger neighbour
  std::map<uint64_t, Parent> wanted_;      // by order: parents that are still to come
  Tip newest_;                             // newest, leaf, oldest of those that decode
  Tip leaf_;
  Tip oldest_;
  std::string title_;  // of the oldest
};

}  // namespace bobbin::store
