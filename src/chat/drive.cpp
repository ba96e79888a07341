// The life of one active run: from its context to its terminal event.

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/chat/agent.h"
#include "src/chat/engine.h"
#include "src/chat/reply.h"
#include "src/chat/run_options.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"
#include "src/store/store_op.h"

namespace bobbin::chat {
namespace {

// How long to wait when the store's queue is full.
constexpr uint64_t kOverloadedRetryMs = 20;
constexpr uint64_t kStorageFullRetryMs = 500;
// A journal up to this size stays until the readers that are behind at the end have all of it: they are, whenever a
// model is faster than they are. Looking for it in the log, among what all other runs said, costs more than the answer
// did. A longer one is read from the log, and so is any past the second bound, of the worker: readers who have stalled
// cost a bounded amount.
constexpr size_t kKeptJournalBytesMax = size_t{256} * 1024;
constexpr size_t kKeptJournalsBytesMax = size_t{32} * 1024 * 1024;
// What a client is told of a failure, in words that say what to do.
const char* explain(Code code) noexcept {
  switch (code) {
    case Code::upstream_unavailable:
      return "The model's server cannot be reached or is overloaded. Try again in a moment.";
    case Code::upstream_rejected: return "The model's server refused the request.";
    case Code::upstream_timeout: return "The model's server did not answer in time. Try again.";
    case Code::storage_full: return "The server's disk is full: the answer ends here.";
    default: return "The answer could not be made. Try again.";
  }
}

std::string_view client_code(Code code) noexcept {
  switch (code) {
    case Code::upstream_unavailable:
    case Code::upstream_rejected:
    case Code::upstream_timeout:
    case Code::storage_full:
    case Code::overloaded: return code_name(code);
    default: return code_name(Code::internal);
  }
}

// Of an answer that was cut, where the model's server had said nothing yet: the pieces that came, mostly one token
// each.
std::optional<store::Usage> usage_of(const Run& run) {
  if (!run.usage) {
    if (run.tokens == 0) return std::nullopt;
    return store::Usage{
        .prompt_tokens = 0, .completion_tokens = run.tokens, .reasoning_tokens = 0, .total_tokens = run.tokens};
  }
  const auto count = [](int64_t tokens) { return tokens > 0 ? static_cast<uint64_t>(tokens) : 0; };
  return store::Usage{.prompt_tokens = count(run.usage->prompt_tokens),
                      .completion_tokens = count(run.usage->completion_tokens),
                      .reasoning_tokens = 0,
                      .total_tokens = count(run.usage->total_tokens)};
}

// The word in the event `stopped`.
const char* stop_reason(Run::Cancelled why) noexcept {
  switch (why) {
    case Run::Cancelled::interrupted: return "interrupted";
    case Run::Cancelled::disconnected: return "disconnected";
    default: return "stopped";
  }
}

// What there is of it, as far as a title is made of it.
std::string begin_of_answer(const Run& run) {
  return std::string(begin_of(run.journal().text(store::RunLogKind::token), limits::kTitleAnswerBytesMax));
}

// How a run ended, as the store and the client are told.
struct End {
  store::RunOutcome outcome;
  store::MessageStatus status;
  std::string event;
  const char* log_status;
  metrics::Counter counter;
};

// Whether there is an answer to be kept, if only its beginning.
bool has_something(const Run& run) {
  return run.text_bytes() > 0 || !run.tool_steps().empty() || run.journal().has(store::RunLogKind::reasoning);
}

End judge(const Run& run, const Result<upstream::Answer>& answer, const std::optional<store::Usage>& usage) {
  if (answer) {
    return {store::RunOutcome::done, store::MessageStatus::complete,
            done_event(run.started.thread, run.started.message_id, answer->finish_reason, usage), "done",
            metrics::Counter::runs_done};
  }
  switch (run.cancelled()) {
    case Run::Cancelled::no: break;
    case Run::Cancelled::deleted:
    case Run::Cancelled::draining:
      return {store::RunOutcome::interrupted, store::MessageStatus::interrupted, interrupted_event(), "interrupted",
              metrics::Counter::runs_interrupted};
    case Run::Cancelled::stopped:
    case Run::Cancelled::interrupted:
    case Run::Cancelled::disconnected:
      return {store::RunOutcome::stopped, store::MessageStatus::stopped,
              stopped_event(stop_reason(run.cancelled()), run.started.thread,
                            has_something(run) ? run.started.message_id : Uuid{}),
              "stopped", metrics::Counter::runs_interrupted};
  }
  return {store::RunOutcome::error, store::MessageStatus::failed,
          error_event(explain(answer.error().code), client_code(answer.error().code)), "error",
          metrics::Counter::runs_failed};
}

}  // namespace

Task<void> Engine::drive(Run& run) {
  run.publish(start_event(run.started.thread, run.started.user_message_id, run.started.message_id, run.started.run_id));
  Result<upstream::Answer> answer = fail(Code::cancelled);
  Result<upstream::Prompt> prompt = co_await build_prompt(run);
  std::string().swap(run.started.content);  // the prompt has it, and an answer may take minutes
  if (prompt) {
    if (!prompt->model.empty()) run.log_model(prompt->model);
    Agent agent(
        {parts_.loop, parts_.pool, parts_.store.run_log(), parts_.model, parts_.toolbox, options_.context.tokens_max},
        run, decode_tool_steps(run.tool_steps()));
    if (options_.titles == Titles::during && !run.title_question.empty())
      run.watch_text(limits::kTitleAnswerBytesMax, [this, &run] { make_title(run, begin_of_answer(run)); });
    answer = co_await agent.answer(*prompt);
  } else {
    answer = fail(prompt.error());
  }
  // The end follows the beginning: whoever submitted the run still holds it until then.
  co_await run.gate_opened();
  // An argument that is made here would be in this frame a second time, from the beginning on.
  const auto finish_with_answer = [&] { return finish(run, std::move(answer)); };
  const bool is_stored = co_await finish_with_answer();
  metrics::add(metrics::Counter::tokens_streamed, run.tokens);
  metrics::add(metrics::Gauge::runs_active, -1);
  if (is_stored) parts_.run_log.end_run(run.started.run_id);
  remove_run(Uuid(run.started.run_id));
}

Task<bool> Engine::finish(Run& run, Result<upstream::Answer> answer) {
  // The number of the last event is part of the command: nothing may be on its way to the log any more.
  run.is_ending = true;
  run.settle();
  if (run.log_failure()) answer = fail(*run.log_failure());
  if (!answer && answer.error().code != Code::cancelled) {
    log::warn("run failed", {{"run_id", run.started.run_id.to_string()},
                             {"error", code_name(answer.error().code)},
                             {"detail", answer.error().detail},
                             {"number", answer.error().number}});
  }
  const bool is_whole = answer.has_value();
  if (!is_whole) cancel_title(run);
  const std::optional<store::Usage> usage = is_whole && !run.usage ? std::nullopt : usage_of(run);
  End end = judge(run, answer, usage);
  store::FinishRun command{.user = run.started.user,
                           .thread = run.started.thread,
                           .incarnation = run.started.incarnation,
                           .run_id = run.started.run_id,
                           .outcome = end.outcome,
                           .answer = std::nullopt,
                           .terminal_event = end.event,
                           .terminal_event_id = run.last_event_id() + 1,
                           .start_next = !draining_};
  if (answer || has_something(run)) {
    command.answer = store::Answer{.content = run.journal().text(store::RunLogKind::token),
                                   .reasoning = run.journal().text(store::RunLogKind::reasoning),
                                   .model = answer ? answer->model : std::string(),
                                   .finish_reason = answer ? answer->finish_reason : std::string(),
                                   .tool_steps = run.tool_steps(),
                                   .usage = usage,
                                   .status = end.status};
  }
  Result<store::Reply> reply = co_await commit_patiently(std::move(command));
  if (!reply) {
    publish_end(run, error_event(explain(reply.error().code), client_code(reply.error().code)));
    log_run(run, "not_stored");
    co_return false;
  }
  auto& finished = std::get<store::Finished>(*reply);
  if (!finished.applied) {
    cancel_title(run);
    publish_end(run, stopped_event("deleted", run.started.thread));
    metrics::add(metrics::Counter::runs_interrupted);
    log_run(run, "deleted");
    co_return true;
  }
  const bool wants_title = is_whole && !run.title_question.empty();
  std::string answer_begin = wants_title ? begin_of_answer(run) : std::string();
  publish_end(run, end.event);
  metrics::add(end.counter);
  log_run(run, end.log_status);
  if (finished.next) dispatch_start(std::move(*finished.next));
  // Last: nothing waits for them.
  if (is_whole) {
    make_title(run, std::move(answer_begin));
    make_memory(run);
  }
  co_return true;
}

void Engine::make_title(Run& run, std::string answer) {
  if (run.title_question.empty()) return;
  titler_.make({.user = run.started.user,
                .thread = run.started.thread,
                .run_id = run.started.run_id,
                .incarnation = run.started.incarnation,
                .model = decode_run_options(run.started.options).model,
                .question = std::exchange(run.title_question, {}),
                .answer = std::move(answer)});
}

void Engine::cancel_title(const Run& run) noexcept {
  asides_.cancel({run.started.user, run.started.thread, run.started.run_id, RunDirectory::Aside::Kind::title});
}

void Engine::make_memory(const Run& run) {
  if (!options_.memory) return;
  memory_maker_.make(
      {.user = run.started.user,
       .thread = run.started.thread,
       .run_id = run.started.run_id,
       .incarnation = run.started.incarnation,
       .model = decode_run_options(run.started.options).model,
       .tokens = run.context_tokens + run.text_bytes() / kBytesPerToken + estimate_tokens(run.tool_steps())});
}

void Engine::publish_end(Run& run, const std::string& json) {
  parts_.directory.release(run.started.run_id);
  const uint64_t id = run.last_event_id() + 1;
  std::vector<Run::Behind> all_behind = run.publish_end(json);
  if (all_behind.empty()) return;
  std::shared_ptr<const Journal> journal;
  const size_t bytes = run.journal().bytes();
  if (bytes <= kKeptJournalBytesMax && kept_journals_bytes_ + bytes <= kKeptJournalsBytesMax) {
    kept_journals_bytes_ += bytes;
    journal = std::shared_ptr<const Journal>(new Journal(run.take_journal()), [this, bytes](const Journal* kept) {
      kept_journals_bytes_ -= bytes;
      delete kept;
    });
  }
  for (Run::Behind& behind : all_behind) {
    spawn(work_, replay({.user = run.started.user,
                         .thread = run.started.thread,
                         .run_id = run.started.run_id,
                         .after = behind.after},
                        run.started.answer_order, {.id = id, .json = json}, std::move(behind.subscriber), journal));
  }
}

Task<Result<store::Reply>> Engine::commit_patiently(store::Command command) {
  for (;;) {
    store::StoreOp op(parts_.store, parts_.loop, command);
    Result<store::Reply> reply = co_await op.run();
    if (reply) co_return reply;
    // A full disk may have room again, and the answer is worth keeping until then; but the end does not wait for it.
    const bool is_worth_waiting = reply.error().code == Code::storage_full && !draining_;
    if (reply.error().code != Code::overloaded && !is_worth_waiting) co_return reply;
    CancelScope unending;
    SleepOp pause(parts_.loop, unending, is_worth_waiting ? kStorageFullRetryMs : kOverloadedRetryMs);
    CO_TRY(co_await pause.run());
  }
}

void Engine::log_run(const Run& run, std::string_view status) const {
  log::info("/chat/stream", {{"user_id", run.started.user},
                             {"thread_id", run.started.thread},
                             {"run_id", run.started.run_id.to_string()},
                             {"status", status},
                             {"tokens", run.tokens},
                             {"ms", (steady_now_us() - run.submitted_us) / 1000}});
}

}  // namespace bobbin::chat
