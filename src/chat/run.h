#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/chat/journal.h"
#include "src/chat/outbox.h"
#include "src/chat/subscriber.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/upstream/answer.h"
#include "storage/commands.h"

namespace bobbin::chat {

// Where a reader begins: after the last event that there is.
inline constexpr uint64_t kFromNow = UINT64_MAX;

// One question and its answer in the making. Lives on one worker's loop; belongs to its thread, not to a connection:
// subscribers come and go.
//
// Each event takes the same way: it is appended to the journal and the run log, written at the end of the loop's turn,
// and then handed to the subscribers, once the gate is open. The last event is in the store instead, before it is
// published. A subscriber that is slow or late has a place in the journal and takes from it as it can.
class Run final : private EventSource {
 public:
  enum class State : uint8_t {
    submitted,  // on its way to the store
    queued,     // stored; waits for its thread's turn
    active,     // the model is being asked
  };
  // Why `scope` was asked to cancel.
  enum class Cancelled : uint8_t {
    no,
    deleted,       // with its thread
    draining,      // the process ends
    stopped,       // somebody asked for it
    interrupted,   // by another message in its thread
    disconnected,  // the client that asked for this left
  };

  // `outbox` outlives the run.
  Run(Outbox& outbox, const Uuid& id, std::string user, std::string thread);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { outbox_.remove(*this); }

  void publish(std::string_view json) { publish(store::RunLogKind::event, json); }
  // As token and reasoning events: journal and log have the text as it is.
  void publish_token(std::string_view text) { publish(store::RunLogKind::token, text); }
  void publish_reasoning(std::string_view text) { publish(store::RunLogKind::reasoning, text); }
  // For recovery alone: the model that is asked.
  void log_model(std::string_view name) { log_aside(store::RunLogKind::model, name); }
  // All tool steps so far, as they are stored with the answer.
  void log_tool_steps(std::string json, size_t count) {
    log_aside(store::RunLogKind::tool_steps, json);
    tool_steps_ = std::move(json);
    tool_steps_count_ = count;
  }
  // All that was published is logged now, and handed out where the gate is open; or log_failure() says why not.
  void settle() noexcept { outbox_.settle(); }

  // A subscriber that is not through when the run ends: somebody else gives it the rest.
  struct Behind {
    std::unique_ptr<Subscriber> subscriber;
    uint64_t after;
  };
  // The last event, which a commit has made durable; ends the streams of all who have taken everything. All other
  // events are settled, and the gate is open.
  [[nodiscard]] std::vector<Behind> publish_end(std::string_view json);

  // The submit is on disk, begun or queued: what was published so far goes out, and all else as it comes. Idempotent.
  void open_gate();
  // Complete when the gate is open.
  Completion& gate_opened() noexcept { return gate_opened_; }

  struct AttachOptions {
    uint64_t after = 0;            // the events after this one, then as they come; kFromNow
    uint32_t queued_position = 0;  // of a run that waits: is told first; 0: is not
    bool stops_when_gone = false;  // the run is cancelled when this subscriber's reader leaves
  };
  // Past the last event that the log has: a `resync` with all there is comes first.
  void attach(std::unique_ptr<Subscriber> subscriber, const AttachOptions& options);
  // Calls `on_text` once, when so many bytes of the answer's text have been handed out.
  void watch_text(size_t bytes, std::function<void()> on_text) {
    text_watched_bytes_ = bytes;
    on_text_ = std::move(on_text);
  }
  // Ends every subscriber's stream.
  void end_streams() noexcept;
  void cancel(Cancelled why) noexcept;

  // Of the last event that is or will be in the log.
  [[nodiscard]] uint64_t last_event_id() const noexcept { return journal_.last_id(); }
  [[nodiscard]] const Journal& journal() const noexcept { return journal_; }
  // After publish_end(), for those behind: the run has no events any more.
  [[nodiscard]] Journal take_journal() noexcept { return std::move(journal_); }
  // Of the answer's text so far.
  [[nodiscard]] size_t text_bytes() const noexcept { return text_bytes_; }
  [[nodiscard]] const std::string& tool_steps() const noexcept { return tool_steps_; }
  [[nodiscard]] size_t tool_steps_count() const noexcept { return tool_steps_count_; }
  [[nodiscard]] Cancelled cancelled() const noexcept { return cancelled_; }
  // The log has refused an event: nobody was sent it or any later one, and `scope` was asked to cancel.
  [[nodiscard]] const std::optional<Error>& log_failure() const noexcept { return log_failure_; }

  State state = State::submitted;
  store::StartedRun started;  // complete from State::active on
  CancelScope scope;          // what the run waits for
  uint64_t tokens = 0;        // token events of the model so far
  // Of all rounds, as far as the model's server has said; complete where the answer is.
  std::optional<upstream::Usage> usage;
  int64_t submitted_us = 0;  // steady clock
  // The beginning of the thread's first question, while its title is still to be made of it and this answer; else
  // empty.
  std::string title_question;
  uint64_t context_tokens = 0;  // of what the model was shown of the thread before, as estimate_tokens counts
  bool is_ending = false;       // its last event has a number: nothing more is published before it

 private:
  friend class Outbox;
  struct Reader {
    std::unique_ptr<Subscriber> subscriber;
    Journal::Place place;
    bool is_hungry = true;
    bool stops_when_gone = false;
  };

  void publish(store::RunLogKind kind, std::string_view logged);
  void log_aside(store::RunLogKind kind, std::string_view bytes);
  // What was appended so far is in the log, or is not and never will be.
  void on_flushed(Result<void> flushed) noexcept;
  // The events after `handed_` that are in the log, to all who have taken those before.
  void hand_out() noexcept;
  // What waits for one reader, as far as it takes it. False: it is gone.
  bool serve(Reader& reader) noexcept;
  void on_hungry(Subscriber& subscriber) noexcept override;
  void on_gone(Subscriber& subscriber) noexcept override;
  [[nodiscard]] std::string resync_json() const;

  Outbox& outbox_;
  std::vector<Reader> readers_;
  Journal journal_;
  size_t text_bytes_ = 0;
  size_t text_watched_bytes_ = 0;
  std::function<void()> on_text_;
  std::string tool_steps_;
  size_t tool_steps_count_ = 0;
  uint64_t logged_id_ = 0;  // of the newest event that is in the log
  Journal::Place handed_;   // what is before it may be seen by anybody
  Completion gate_opened_;
  std::optional<Error> log_failure_;
  Cancelled cancelled_ = Cancelled::no;
  bool in_outbox_ = false;
};

}  // namespace bobbin::chat
