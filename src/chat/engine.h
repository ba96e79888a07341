#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/chat/context.h"
#include "src/chat/run.h"
#include "src/chat/run_directory.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/offload.h"
#include "src/loop/task.h"
#include "src/upstream/model.h"
#include "storage/store.h"

namespace bobbin::chat {

struct EngineOptions {
  ContextOptions context;
  bool log_messages = false;  // the first 80 characters of a message in its run's log line
};

// What an engine works with. All of it outlives the engine.
struct EngineParts {
  Loop& loop;
  store::Store& store;
  BlockingPool& pool;
  upstream::Model& model;
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
  uint32_t keep_s = 0;  // as in store::Submit
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

  // Stores the message and starts its run, or queues it. On success the subscriber is told `start` or `queued` and all
  // that follows; on failure it is destroyed without a call. Errors: draining, overloaded, busy, queue_full,
  // storage_full, io.
  Task<Result<void>> submit(Submission submission, std::unique_ptr<Subscriber> subscriber);

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

  Run& hold_run(const Uuid& run_id, std::string user, std::string thread);
  void remove_run(const Uuid& run_id);
  Run* find_run(const Uuid& run_id);

  // Whichever worker holds the run begins (ends) it.
  void dispatch_start(store::StartedRun started);
  void dispatch_end(const Uuid& run_id, const char* reason);
  // A run whose turn is on disk.
  void begin(store::StartedRun started);
  // The same for one that is not yet: its events wait for Run::open_gate().
  void begin_behind_gate(Run& run, store::StartedRun started);
  // Deleted with its thread, or taken out of the queue; `reason` is what clients are told.
  void end_run(const Uuid& run_id, const char* reason);

  Task<void> drive(Run& run);
  Task<Result<upstream::Prompt>> build_prompt(Run& run);
  Task<Result<store::HistoryPage>> read_context(const Run& run);
  // Whether the store knows the end: if not, recovery will need the log.
  Task<bool> finish(Run& run, Result<upstream::Answer> answer);
  // Tries again for as long as the store's queue is full: for what must not be lost for that.
  Task<Result<store::Reply>> commit_patiently(store::Command command);
  Task<void> start_next(store::UnfinishedThread thread);
  void log_run(const Run& run, std::string_view status) const;

  EngineParts parts_;
  EngineOptions options_;
  Outbox outbox_;
  std::map<Uuid, std::unique_ptr<Run>> runs_;
  Gate work_;
  bool draining_ = false;
  bool interrupting_ = false;
};

}  // namespace bobbin::chat
