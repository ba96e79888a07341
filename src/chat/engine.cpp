#include "src/chat/engine.h"

#include <functional>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/base/text.h"
#include "src/chat/run_options.h"
#include "src/loop/spawn.h"
#include "src/store/store_op.h"

namespace bobbin::chat {

// Has another worker's engine do something to a run that it holds. Frees itself.
struct Engine::RunMail final : Mail {
  RunMail(Engine& engine_in, std::function<void(Engine&)> work_in) : engine(engine_in), work(std::move(work_in)) {}
  void deliver() noexcept override {
    const std::unique_ptr<RunMail> self(this);
    work(engine);
  }
  Engine& engine;
  std::function<void(Engine&)> work;
};

Engine::Engine(EngineParts parts, EngineOptions options)
    : parts_(parts),
      options_(std::move(options)),
      outbox_(parts.loop, parts.run_log),
      asides_(parts.directory, *this, work_),
      memory_maker_({parts.loop, parts.store, parts.pool, parts.model, asides_}, options_.context),
      titler_({parts.loop, parts.store, parts.pool, parts.model, asides_}, options_.title_timeout_ms,
              [this](const Uuid& run_id, const std::string& event) {
                Run* run = find_run(run_id);
                if (run != nullptr && !run->is_ending) run->publish(event);
              }) {}

Engine::~Engine() { BOBBIN_ASSERT(runs_.empty()); }

Run& Engine::hold_run(const Uuid& run_id, std::string user, std::string thread) {
  auto run = std::make_unique<Run>(outbox_, run_id, std::move(user), std::move(thread));
  run->submitted_us = steady_now_us();
  return *runs_.emplace(run_id, std::move(run)).first->second;
}

void Engine::remove_run(const Uuid& run_id) {
  parts_.directory.remove(run_id, *this);
  runs_.erase(run_id);
}

Run* Engine::find_run(const Uuid& run_id) {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? nullptr : found->second.get();
}

Task<Result<void>> Engine::submit(Submission submission, std::unique_ptr<Subscriber> subscriber) {
  if (draining_) co_return fail(Code::draining, 0, "the server is shutting down; try again in a moment");
  const Uuid run_id = make_uuid_v7(static_cast<uint64_t>(wall_now_us()));
  const bool has_room = parts_.directory.add(run_id, *this, submission.user, submission.thread);
  if (!has_room && submission.request.key.empty()) {
    parts_.directory.remove(run_id, *this);
    co_return fail(Code::too_many_runs, 0, "too many answers are under way for you: wait for one");
  }
  Run& run = hold_run(run_id, submission.user, submission.thread);
  if (options_.log_messages) {
    log::info("message", {{"run_id", run_id.to_string()}, {"text", cut_line(submission.content, 80)}});
  }
  store::SubmitOp op(parts_.store, parts_.loop,
                     store::Submit{.user = submission.user,
                                   .thread = submission.thread,
                                   .kind = submission.kind,
                                   .run_id = run_id,
                                   .content = std::move(submission.content),
                                   .created_us = wall_now_us(),
                                   .parent = std::nullopt,
                                   .on_busy = submission.on_busy,
                                   .options = encode_run_options({.model = std::move(submission.model)}),
                                   .keep_s = submission.keep_s,
                                   .request = std::move(submission.request),
                                   .only_known = !has_room});
  if (const Result<void> begun = op.begin(); !begun) {
    remove_run(run_id);
    co_return fail(begun.error());
  }
  // The model is asked while the disk still writes; nobody is told anything before it has.
  const bool has_begun = co_await op.applied();
  if (has_begun) begin_behind_gate(run, op.started());
  const Result<store::Submitted> submitted = co_await op.committed();
  if (!submitted) {
    if (has_begun) {
      run.cancel(Run::Cancelled::deleted);
      run.open_gate();
    } else {
      remove_run(run_id);
    }
    co_return fail(submitted.error());
  }
  if (submitted->state == store::Submitted::State::joined) {
    remove_run(run_id);
    CO_TRY(co_await follow({.user = std::move(submission.user),
                            .thread = submitted->thread,
                            .run_id = submitted->run_id,
                            .after = submission.after},
                           std::move(subscriber)));
    co_return Result<void>{};
  }
  if (!has_begun) run.state = Run::State::queued;
  run.open_gate();
  run.attach(std::move(subscriber),
             {.after = 0, .queued_position = submitted->position, .stops_when_gone = submission.stop_when_gone});
  if (has_begun) co_return Result<void>{};
  if (!submitted->active_run.is_zero()) dispatch_cancel(submitted->active_run, Run::Cancelled::interrupted);
  if (draining_) {  // the next process takes it up
    run.end_streams();
    remove_run(run_id);
  }
  co_return Result<void>{};
}

void Engine::begin(store::StartedRun started) {
  Run* run = find_run(started.run_id);
  if (run == nullptr) {  // queued before a restart, or its worker has let it go: it is ours now
    parts_.directory.replace(started.run_id, *this, started.user, started.thread);
    run = &hold_run(started.run_id, started.user, started.thread);
  }
  run->open_gate();
  begin_behind_gate(*run, std::move(started));
}

void Engine::begin_behind_gate(Run& run, store::StartedRun started) {
  run.started = std::move(started);
  run.state = Run::State::active;
  metrics::add(metrics::Counter::runs_started);
  metrics::add(metrics::Gauge::runs_active, 1);
  if (interrupting_) run.cancel(Run::Cancelled::draining);
  spawn(work_, drive(run));
}

template <class MakeWork>
bool Engine::post_to_holder(const Uuid& run_id, MakeWork make_work) {
  bool is_elsewhere = false;
  parts_.directory.with_engine_of(run_id, [&](Engine* engine) {
    is_elsewhere = engine != nullptr && engine != this;
    if (!is_elsewhere) return;
    auto mail = std::make_unique<RunMail>(*engine, make_work());
    engine->parts_.loop.mailbox().post(*mail.release());
  });
  return is_elsewhere;
}

void Engine::dispatch_start(store::StartedRun started) {
  // While this worker drains, others do too, and may already be gone: then the run is ended here.
  const Uuid run_id = started.run_id;
  if (draining_ || !post_to_holder(run_id, [&] {
        return [started = std::move(started)](Engine& engine) mutable { engine.begin(std::move(started)); };
      })) {
    begin(std::move(started));
  }
}

void Engine::dispatch_end(const Uuid& run_id, const char* reason) {
  const auto end = [run_id, reason](Engine& engine) { engine.end_run(run_id, reason); };
  if (!post_to_holder(run_id, [&] { return end; })) end(*this);
}

void Engine::dispatch_cancel(const Uuid& run_id, Run::Cancelled why) {
  const auto cancel = [run_id, why](Engine& engine) {
    if (Run* run = engine.find_run(run_id)) run->cancel(why);
  };
  if (!post_to_holder(run_id, [&] { return cancel; })) cancel(*this);
}

void Engine::end_run(const Uuid& run_id, const char* reason) {
  Run* run = find_run(run_id);
  if (run == nullptr) return;
  if (run->state == Run::State::active) {
    run->cancel(Run::Cancelled::deleted);  // drive() ends it
    return;
  }
  publish_end(*run, stopped_event(reason, run->started.thread));
  remove_run(run_id);
}

Task<Result<store::Deleted>> Engine::delete_thread(std::string user, std::string thread) {
  store::StoreOp op(parts_.store, parts_.loop, store::DeleteThread{user, thread});
  CO_TRY_ASSIGN(store::Reply reply, co_await op.run());
  parts_.directory.drop_all_stored(user, thread);
  cancel_asides(user, thread);
  auto& deleted = std::get<store::Deleted>(reply);
  for (const store::Deleted::Run& run : deleted.cancelled) dispatch_end(run.run_id, "deleted");
  co_return std::move(deleted);
}

Task<Result<store::Deleted>> Engine::delete_all_threads(std::string user) {
  store::StoreOp op(parts_.store, parts_.loop, store::DeleteUserThreads{user});
  CO_TRY_ASSIGN(store::Reply reply, co_await op.run());
  parts_.directory.drop_all_stored(user, std::nullopt);
  cancel_asides(user, std::nullopt);
  auto& deleted = std::get<store::Deleted>(reply);
  for (const store::Deleted::Run& run : deleted.cancelled) dispatch_end(run.run_id, "deleted");
  co_return std::move(deleted);
}

void Engine::cancel_asides(const std::string& user, const std::optional<std::string>& thread) {
  std::vector<RunDirectory::Aside> own;  // not under the mutex: what is cancelled may end at once, and takes it
  parts_.directory.with_asides_of(user, thread, [&](const RunDirectory::Aside& aside, Engine& engine) {
    if (&engine == this) {
      own.push_back(aside);
      return;
    }
    auto mail = std::make_unique<RunMail>(engine, [aside](Engine& holder) { holder.asides_.cancel(aside); });
    engine.parts_.loop.mailbox().post(*mail.release());
  });
  for (const RunDirectory::Aside& aside : own) asides_.cancel(aside);
}

Task<Result<bool>> Engine::cancel_queued(std::string user, std::string thread, Uuid run_id) {
  store::StoreOp op(parts_.store, parts_.loop,
                    store::CancelQueued{.user = user,
                                        .thread = thread,
                                        .run_id = run_id,
                                        .terminal_event = stopped_event("cancelled", thread),
                                        .terminal_event_id = kCancelledEventId});
  CO_TRY_ASSIGN(store::Reply reply, co_await op.run());
  const bool found = std::get<store::Cancelled>(reply).found;
  if (found) {
    parts_.directory.drop_stored(run_id, user, thread);
    dispatch_end(run_id, "cancelled");
  }
  co_return found;
}

void Engine::resume_queues(std::vector<store::UnfinishedThread> threads) {
  for (store::UnfinishedThread& thread : threads) {
    if (!thread.active) spawn(work_, start_next(std::move(thread)));
  }
}

Task<void> Engine::start_next(store::UnfinishedThread thread) {
  Result<store::Reply> reply = co_await commit_patiently(store::StartNext{thread.user, thread.thread});
  if (!reply) {
    log::error("queue not resumed", {{"user_id", thread.user},
                                     {"thread_id", thread.thread},
                                     {"error", code_name(reply.error().code)},
                                     {"detail", reply.error().detail}});
    co_return;
  }
  auto& started = std::get<store::StartedNext>(*reply);
  if (started.run) dispatch_start(std::move(*started.run));
}

void Engine::begin_drain() noexcept {
  draining_ = true;
  asides_.close();
  std::erase_if(runs_, [&](const auto& entry) {
    if (entry.second->state != Run::State::queued) return false;
    entry.second->end_streams();
    parts_.directory.remove(entry.first, *this);
    return true;
  });
}

void Engine::interrupt_all() noexcept {
  interrupting_ = true;
  std::vector<Run*> active;
  for (const auto& [id, run] : runs_) {
    if (run->state == Run::State::active) active.push_back(run.get());
  }
  for (Run* run : active) run->cancel(Run::Cancelled::draining);
  cancel_replays();
}

}  // namespace bobbin::chat
