#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/chat/event.h"
#include "src/chat/outbox.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "storage/commands.h"

namespace bobbin::chat {

// One reader of a run's events: a stream to a client, in whatever format it speaks.
class Subscriber {
 public:
  Subscriber() = default;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  virtual ~Subscriber() = default;

  // False: the reader is gone; the run destroys it.
  virtual bool on_event(const Event& event) noexcept = 0;
  // The run has nothing more to say here. Destroyed right after.
  virtual void on_end() noexcept = 0;
};

// One question and its answer in the making. Lives on one worker's loop; belongs to its thread, not to a connection:
// subscribers come and go.
//
// Each event takes the same way: it is appended to the run log, written at the end of the loop's turn, and then handed
// to the subscribers, once the gate is open. The last event is in the store instead, before it is published.
class Run {
 public:
  enum class State : uint8_t {
    submitted,  // on its way to the store
    queued,     // stored; waits for its thread's turn
    active,     // the model is being asked
  };
  // Why `scope` was asked to cancel.
  enum class Cancelled : uint8_t { no, deleted, draining };

  // `outbox` outlives the run.
  Run(Outbox& outbox, const Uuid& id, std::string user, std::string thread);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { outbox_.remove(*this); }

  void publish(std::string_view json);
  // As token and reasoning events: the log has the text as it is.
  void publish_token(std::string_view text);
  void publish_reasoning(std::string_view text);
  // For recovery alone: the model that is asked.
  void log_model(std::string_view name);
  // The last event, which a commit has made durable. All others are settled, and the gate is open.
  void publish_end(std::string_view json);
  // All that was published is logged now, and handed out where the gate is open; or log_failure() says why not.
  void settle() noexcept { outbox_.settle(); }

  // The submit is on disk, begun or queued: what was published so far goes out, and all else as it comes. Idempotent.
  void open_gate();
  // Complete when the gate is open.
  Completion& gate_opened() noexcept { return gate_opened_; }
  // Tells the subscribers something that is not part of the log (their place in the queue).
  void notify(std::string_view json);
  void attach(std::unique_ptr<Subscriber> subscriber) { subscribers_.push_back(std::move(subscriber)); }
  // Ends every subscriber's stream.
  void end_streams() noexcept;
  void cancel(Cancelled why) noexcept;

  // Of the last event that is or will be in the log.
  [[nodiscard]] uint64_t last_event_id() const noexcept { return last_event_id_; }
  [[nodiscard]] Cancelled cancelled() const noexcept { return cancelled_; }
  // The log has refused an event: nobody was sent it or any later one, and `scope` was asked to cancel.
  [[nodiscard]] const std::optional<Error>& log_failure() const noexcept { return log_failure_; }

  State state = State::submitted;
  store::StartedRun started;  // complete from State::active on
  CancelScope scope;          // what the run waits for
  std::string content;        // of the answer so far, UTF-8
  std::string reasoning;
  uint64_t tokens = 0;       // token events so far
  int64_t submitted_us = 0;  // steady clock

 private:
  friend class Outbox;
  // An event that was not handed out yet: its JSON goes up to here in `pending_json_`.
  struct Pending {
    uint64_t id;
    size_t end;
  };

  // Logs `logged` as the next event. False: the log has failed before.
  bool log_next(store::RunLogKind kind, std::string_view logged);
  void add_pending();
  // What was appended so far is in the log, or is not and never will be.
  void on_flushed(Result<void> flushed) noexcept;
  void hand_out_pending() noexcept;
  void hand_out(const Event& event) noexcept;

  Outbox& outbox_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::string pending_json_;  // both keep their memory from token to token
  std::vector<Pending> pending_;
  size_t logged_count_ = 0;  // the first of `pending_`, which are in the log
  Completion gate_opened_;
  uint64_t last_event_id_ = 0;
  std::optional<Error> log_failure_;
  Cancelled cancelled_ = Cancelled::no;
  bool in_outbox_ = false;
};

}  // namespace bobbin::chat
