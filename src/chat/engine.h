#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/chat/aside.h"
#include "src/chat/context.h"
#include "src/chat/context_reader.h"
#include "src/chat/memory_maker.h"
#include "src/chat/relay.h"
#include "src/chat/run.h"
#include "src/chat/run_directory.h"
#include "src/chat/titler.h"
#include "src/chat/user_settings.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "src/tools/toolbox.h"
#include "src/upstream/model.h"
#include "storage/store.h"

namespace bobbin::chat {

struct EngineOptions {
  ContextOptions context;
  bool log_messages = false;  // the first 80 characters of a message in its run's log line
  bool memory = true;         // older parts of long conversations are folded by the model
  Titles titles = Titles::off;
  uint32_t title_timeout_ms = limits::kTitleTimeoutMs;
};

// What an engine works with. All of it outlives the engine.
struct EngineParts {
  Loop& loop;
  store::Store& store;
  BlockingPool& pool;
  upstream::Model& model;
  tools::Toolbox& toolbox;
  RunDirectory& directory;
  store::RunLogWriter& run_log;  // of this worker
};

// A user's message, checked by the caller (api.md, limits.h).
struct Submission {
  std::string user;
  std::string thread;
  std::string content;
  std::string model;  // empty: the server's default
  store::OnBusy on_busy = store::OnBusy::queue;
  uint32_t keep_s = 0;                                  // as in store::Submit
  store::SubmitKind kind = store::SubmitKind::message;  // as there
  store::RequestKey request;                            // as there
  uint64_t after = 0;                                   // where a known request is joined: after this event
  bool stop_when_gone = false;                          // the run is stopped when the subscriber's client leaves
};

// Which events of which run somebody wants.
struct FollowRequest {
  std::string user;
  std::string thread;
  std::optional<Uuid> run_id;  // absent: the newest run, from its first event
  uint64_t after = 0;          // the events after this one; kFromNow
};

struct Stopped {
  bool stopped = false;        // false: it had ended by itself
  uint64_t last_event_id = 0;  // of its terminal event
};

// The runs of one worker, and every change of threads that runs must know of. On the worker's loop.
//
// Commit, then speak: nothing goes to a subscriber before the command that it tells of is on disk, and no event of a
// run before the run log has it.
class Engine {
 public:
  Engine(EngineParts parts, EngineOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  // Every run has ended: see close().
  ~Engine();

  // Stores the message and starts its run, or queues it, or finds that the same request was stored before. On success
  // the subscriber is told `start` or `queued` and all that follows; on failure it is destroyed without a call. Errors:
  // draining, overloaded, too_many_runs (of this user, see RunDirectory) and those of store::Submit.
  Task<Result<void>> submit(Submission submission, std::unique_ptr<Subscriber> subscriber);

  // Hands a run's events to the subscriber, whichever worker holds it: those that are there, then as they come, to the
  // last one. Where they are no longer there, `resync` and the rest. False, and the subscriber is destroyed: the thread
  // never had a run. Errors (and no call of the subscriber): not_found, overloaded, io.
  Task<Result<bool>> follow(FollowRequest request, std::unique_ptr<Subscriber> subscriber);

  // Ends a run, or takes it out of its queue; absent: the one that is active. Resumes when the model's connection is
  // closed and what there is of the answer is stored. Errors: not_found.
  Task<Result<Stopped>> stop(std::string user, std::string thread, std::optional<Uuid> run_id);

  // Errors: not_found. The runs and queue entries that go with the thread end as `stopped`.
  Task<Result<store::Deleted>> delete_thread(std::string user, std::string thread);
  Task<Result<store::Deleted>> delete_all_threads(std::string user);
  // False: nothing of that name waits.
  Task<Result<bool>> cancel_queued(std::string user, std::string thread, Uuid run_id);

  // After a restart, on one worker: starts the first waiting submit of each thread that has no active run.
  void resume_queues(std::vector<store::UnfinishedThread> threads);

  // From now on nothing starts: submits fail, queues stay for the next process. Streams of queued submits end.
  void begin_drain() noexcept;
  // Ends what runs, and all that should still begin, as `interrupted`, keeping its text. May be called again.
  void interrupt_all() noexcept;
  // Complete when the last run has ended. Call once, after begin_drain().
  Completion& close() noexcept { return work_.close(); }

  [[nodiscard]] size_t run_count() const noexcept { return runs_.size(); }

 private:
  struct RunMail;
  struct AttachMail;
  class Replay;

  Run& hold_run(const Uuid& run_id, std::string user, std::string thread);
  void remove_run(const Uuid& run_id);
  Run* find_run(const Uuid& run_id);

  // Whichever worker holds the run begins it, ends it with its thread or queue entry, or cancels it.
  void dispatch_start(store::StartedRun started);
  void dispatch_end(const Uuid& run_id, const char* reason);
  void dispatch_cancel(const Uuid& run_id, Run::Cancelled why);
  // A run whose turn is on disk.
  void begin(store::StartedRun started);
  // The same for one that is not yet: its events wait for Run::open_gate().
  void begin_behind_gate(Run& run, store::StartedRun started);
  // Deleted with its thread, or taken out of the queue; `reason` is what clients are told.
  void end_run(const Uuid& run_id, const char* reason);

  // Whether another worker holds the run: then what `make_work` gives is done there.
  template <class MakeWork>
  bool post_to_holder(const Uuid& run_id, MakeWork make_work);

  // The number of the only event of a run that was taken out of its queue.
  static constexpr uint64_t kCancelledEventId = 1;
  // The last event of a run.
  struct Terminal {
    uint64_t id;
    std::string json;
  };
  // Errors: not_found.
  Task<Result<store::ThreadSummary>> find_summary(const FollowRequest& request);
  Task<Result<std::optional<store::RunInfo>>> find_run_info(const FollowRequest& request);
  // A run that has not ended. False: it was not where it was looked for; `subscriber` is still there.
  Task<Result<bool>> follow_live(const FollowRequest& request, const store::RunInfo& info,
                                 std::unique_ptr<Subscriber>& subscriber);
  // Whether another worker holds the run; then it is asked for its events.
  bool relay(const Uuid& run_id, const Run::AttachOptions& options, std::unique_ptr<Subscriber>& subscriber,
             RelayReader** reader);
  // The events of a run that has ended: from `journal`, which has all but the last, or where it is null from the run
  // log.
  Task<void> replay(FollowRequest request, uint64_t answer_order, Terminal terminal,
                    std::unique_ptr<Subscriber> subscriber, std::shared_ptr<const Journal> journal = nullptr);
  void cancel_replays() noexcept;
  Task<std::string> read_resync(const FollowRequest& request, uint64_t answer_order);

  Task<void> drive(Run& run);
  // What a prompt is made of.
  struct PromptSources {
    Context context;
    UserSettings settings;
  };
  Task<Result<upstream::Prompt>> build_prompt(Run& run);
  void begin_with(Run& run, std::vector<store::MessageView>& newest_first);
  Task<Result<PromptSources>> read_sources_of(const Run& run);
  // Whether the store knows the end: if not, recovery will need the log.
  Task<bool> finish(Run& run, Result<upstream::Answer> answer);
  // The terminal event to all who follow the run.
  void publish_end(Run& run, const std::string& json);
  // Tries again for as long as the store's queue is full: for what must not be lost for that.
  Task<Result<store::Reply>> commit_patiently(store::Command command);
  Task<void> start_next(store::UnfinishedThread thread);
  void log_run(const Run& run, std::string_view status) const;
  // Of a prompt's messages: notes in the run what a title is made of, where this is the thread's first answer.
  void note_first_question(Run& run, const std::vector<store::MessageView>& newest_first) const;
  // Asks for the title of a thread whose first answer this is; else, or when it has been asked for, nothing.
  void make_title(Run& run, std::string answer);
  void cancel_title(const Run& run) noexcept;
  void make_memory(const Run& run);
  // What the model is asked beside the runs of a thread, absent: of all of the user's, on any worker.
  void cancel_asides(const std::string& user, const std::optional<std::string>& thread);

  EngineParts parts_;
  EngineOptions options_;
  Outbox outbox_;
  std::map<Uuid, std::unique_ptr<Run>> runs_;
  std::map<RelayReader*, std::unique_ptr<RelayReader>> relays_;  // readers here, of runs elsewhere
  std::vector<Replay*> replays_;
  size_t kept_journals_bytes_ = 0;
  Gate work_;
  Asides asides_;
  MemoryMaker memory_maker_;
  Titler titler_;
  bool draining_ = false;
  bool interrupting_ = false;
};

}  // namespace bobbin::chat
