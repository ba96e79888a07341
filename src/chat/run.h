#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/chat/event.h"
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
class Run {
 public:
  enum class State : uint8_t {
    submitted,  // on its way to the store
    queued,     // stored; waits for its thread's turn
    active,     // the model is being asked
  };
  // Why `scope` was asked to cancel.
  enum class Cancelled : uint8_t { no, deleted, draining };

  Run(const Uuid& id, std::string user, std::string thread) {
    started.run_id = id;
    started.user = std::move(user);
    started.thread = std::move(thread);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Appends one event to the run's log and hands it to every subscriber; held back until open_gate().
  void publish(std::string_view json);
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

  [[nodiscard]] uint64_t last_event_id() const noexcept { return last_event_id_; }
  [[nodiscard]] Cancelled cancelled() const noexcept { return cancelled_; }

  State state = State::submitted;
  store::StartedRun started;  // complete from State::active on
  CancelScope scope;          // what the run waits for
  std::string content;        // of the answer so far, UTF-8
  std::string reasoning;
  uint64_t tokens = 0;       // token events so far
  int64_t submitted_us = 0;  // steady clock

 private:
  void hand_out(const Event& event);

  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::string> held_back_;  // events 1, 2, … while the gate is closed
  Completion gate_opened_;
  uint64_t last_event_id_ = 0;
  Cancelled cancelled_ = Cancelled::no;
};

}  // namespace bobbin::chat
