// The life of one active run: from its context to its terminal event.

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/chat/agent.h"
#include "src/chat/engine.h"
#include "src/chat/run_options.h"
#include "src/chat/store_op.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"

namespace bobbin::chat {
namespace {

// A page of history is enough for any context: more messages than this do not fit a model's window.
constexpr uint32_t kContextMessagesMax = 1000;
// One read of history, on the pool: enough for most contexts, and small beside a thread of many megabytes.
constexpr size_t kContextPageBytes = 256 * 1024;
// How long to wait when the store's queue is full.
constexpr uint64_t kOverloadedRetryMs = 20;
constexpr uint64_t kStorageFullRetryMs = 500;
// A journal up to this size stays until the readers that are behind at the end have all of it: they are, whenever a
// model is faster than they are. Looking for it in the log, among what all other runs said, costs more than the answer
// did. A longer one is read from the log, so that readers who have stalled cost a bounded amount.
constexpr size_t kKeptJournalBytesMax = size_t{256} * 1024;
// What a model is told that shall go on with an answer: as a message of the user, which every model understands.
constexpr const char* kContinueRequest =
    "Your last answer was cut off. Go on exactly where it ends: repeat nothing, introduce nothing.";

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
    answer = co_await agent.answer(std::move(*prompt));
  } else {
    answer = fail(prompt.error());
  }
  // The end follows the beginning: whoever submitted the run still holds it until then.
  co_await run.gate_opened();
  const bool is_stored = co_await finish(run, std::move(answer));
  metrics::add(metrics::Counter::tokens_streamed, run.tokens);
  metrics::add(metrics::Gauge::runs_active, -1);
  if (is_stored) parts_.run_log.end_run(run.started.run_id);
  remove_run(Uuid(run.started.run_id));
}

// The last bytes of a text, at most so many, whole characters.
std::string end_of(std::string text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t from = text.size() - bytes_max;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0) == 0x80) ++from;
  return text.substr(from);
}

// Whether `page` is the history right before the run's message, or ends with that message.
bool is_context_of(const store::HistoryPage& page, const store::StartedRun& started) {
  if (!page.found) return started.parent_order == 0;
  if (page.incarnation != started.incarnation) return false;
  const uint64_t newest = page.messages.empty() ? 0 : page.messages[0].order;
  return newest == started.parent_order || newest == started.user_order;
}

Task<Result<upstream::Prompt>> Engine::build_prompt(Run& run) {
  CO_TRY_ASSIGN(store::HistoryPage page, co_await read_context(run));
  if (!is_context_of(page, run.started)) {
    // The answer before this message is being committed together with it: then so far it cannot be read.
    co_await run.gate_opened();
    CO_TRY_ASSIGN(page, co_await read_context(run));
    // Deleted meanwhile, perhaps made anew under the same id: what is there is not this run's history.
    if (!page.found || !is_context_of(page, run.started)) co_return fail(Code::gone, 0, "thread deleted");
  }
  if (run.started.kind == store::SubmitKind::continue_answer) {
    begin_with(run, page.messages);
  } else if (page.messages.empty() || page.messages[0].order != run.started.user_order) {
    store::Message own;
    own.content = run.started.content;
    page.messages.insert(page.messages.begin(), std::move(own));
  }
  upstream::Prompt prompt;
  prompt.model = decode_run_options(run.started.options).model;
  prompt.messages = fit_context(options_.context, page.messages);
  co_return prompt;
}

// A continued answer begins with what there is of it: its readers get all of it, and what is stored is whole.
void Engine::begin_with(Run& run, std::vector<store::Message>& newest_first) {
  store::Message& left = newest_first.front();
  if (left.role != store::Role::assistant) return;  // the question is answered from the start
  const std::vector<ToolStep> steps = decode_tool_steps(left.tool_steps);
  if (!steps.empty()) run.log_tool_steps(left.tool_steps, steps.size());
  if (left.content.empty()) return;
  run.publish_token(left.content);
  // Of the results of its last calls it has said nothing yet: the model goes on from them.
  if (!steps.empty() && steps.back().text_end == left.content.size()) return;
  // Its end is what the model goes on from.
  const size_t bytes_max = size_t{options_.context.tokens_max} / 2 * kBytesPerToken;
  if (left.content.size() > bytes_max) {
    left.content = end_of(std::move(left.content), bytes_max);
    left.tool_steps.clear();  // they name places in the whole text
  }
  store::Message request;
  request.content = kContinueRequest;
  newest_first.insert(newest_first.begin(), std::move(request));
}

Task<Result<store::HistoryPage>> Engine::read_context(const Run& run) {
  store::HistoryQuery query{.user = run.started.user,
                            .thread = run.started.thread,
                            .limit = kContextMessagesMax,
                            .bytes_max = kContextPageBytes,
                            .cursor = std::nullopt};
  store::HistoryPage context;
  uint64_t tokens = 0;
  // A record may be mostly reasoning, which the model is not shown again: read on until the rest is enough.
  for (bool first = true;; first = false) {
    StoreRead read(parts_.pool, parts_.loop,
                   [this, &query](store::Tier tier) { return parts_.store.read_history(query, tier); });
    CO_TRY_ASSIGN(store::HistoryPage page, co_await read.run());
    for (store::Message& message : page.messages) {
      tokens += estimate_tokens(message.content) + estimate_tokens(message.tool_steps);
      message.reasoning = {};
      if (!first) context.messages.push_back(std::move(message));
    }
    query.cursor = page.next;
    if (first) context = std::move(page);
    const bool is_enough = tokens > options_.context.tokens_max || context.messages.size() >= kContextMessagesMax;
    if (!query.cursor || is_enough) co_return context;
  }
}

Task<bool> Engine::finish(Run& run, Result<upstream::Answer> answer) {
  // The number of the last event is part of the command: nothing may be on its way to the log any more.
  run.settle();
  if (run.log_failure()) answer = fail(*run.log_failure());
  if (!answer && answer.error().code != Code::cancelled) {
    log::warn("run failed", {{"run_id", run.started.run_id.to_string()},
                             {"error", code_name(answer.error().code)},
                             {"detail", answer.error().detail},
                             {"number", answer.error().number}});
  }
  const bool is_whole = answer.has_value();
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
    publish_end(run, stopped_event("deleted", run.started.thread));
    metrics::add(metrics::Counter::runs_interrupted);
    log_run(run, "deleted");
    co_return true;
  }
  publish_end(run, end.event);
  metrics::add(end.counter);
  log_run(run, end.log_status);
  if (finished.next) dispatch_start(std::move(*finished.next));
  co_return true;
}

void Engine::publish_end(Run& run, const std::string& json) {
  const uint64_t id = run.last_event_id() + 1;
  std::vector<Run::Behind> all_behind = run.publish_end(json);
  if (all_behind.empty()) return;
  std::shared_ptr<const Journal> journal;
  if (run.journal().bytes() <= kKeptJournalBytesMax) journal = std::make_shared<const Journal>(run.take_journal());
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
    StoreOp op(parts_.store, parts_.loop, command);
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
