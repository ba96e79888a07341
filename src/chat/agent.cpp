#include "src/chat/agent.h"

#include <algorithm>

#include "src/base/limits.h"
#include "src/chat/context.h"
#include "src/loop/spawn.h"

namespace bobbin::chat {
namespace {

class Status final : public tools::ToolProgress {
 public:
  explicit Status(Run& run) : run_(run) {}
  void on_status(std::string_view text) noexcept override { run_.publish(status_event(text)); }

 private:
  Run& run_;
};

constexpr const char* kNotKept = "(This result was left out: the answer has no room for it.)";

class SyncJob final : public BlockingJob {
 public:
  explicit SyncJob(store::RunLog& log) : log_(log) {}
  Result<void> result;

 private:
  void work() noexcept override { result = log_.sync(); }
  store::RunLog& log_;
};

upstream::Usage sum_of(const std::optional<upstream::Usage>& one, const upstream::Usage& other) {
  if (!one) return other;
  return {.prompt_tokens = one->prompt_tokens + other.prompt_tokens,
          .completion_tokens = one->completion_tokens + other.completion_tokens,
          .total_tokens = one->total_tokens + other.total_tokens};
}

}  // namespace

// The model's deltas of one round as events of the run.
class Agent::Sink final : public upstream::DeltaSink {
 public:
  // `thoughts_bytes`: of the rounds before; goes on.
  Sink(Run& run, size_t& thoughts_bytes)
      : run_(run), thoughts_bytes_(thoughts_bytes), begins_anew_(run.text_bytes() > 0 && run.tool_steps_count() > 0) {}

  void on_delta(const upstream::Delta& delta) noexcept override {
    const bool is_thought = delta.kind == upstream::DeltaKind::reasoning;
    const size_t bytes = is_thought ? thoughts_bytes_ : run_.text_bytes();
    is_full_ |= bytes + delta.text.size() > kTextBytesMax;
    if (is_full_) return;
    if (is_thought) {
      thoughts_bytes_ += delta.text.size();
      return run_.publish_reasoning(delta.text);
    }
    // What the model says after its calls is a paragraph of its own.
    if (std::exchange(begins_anew_, false)) {
      run_.publish_token("\n\n");
      text_begin_ = run_.text_bytes();
    }
    ++run_.tokens;
    run_.publish_token(delta.text);
  }
  void on_usage(const upstream::Usage& usage) noexcept override { run_.usage = sum_of(earlier_usage_, usage); }
  // There was more than an answer may have.
  [[nodiscard]] bool is_full() const noexcept { return is_full_; }
  // Of this round alone.
  [[nodiscard]] std::string text() const {
    std::string text = run_.journal().text(store::RunLogKind::token);
    // The journal may have less, where the log has refused some: then the run is about to fail.
    return text.erase(0, std::min(text_begin_, text.size()));
  }

 private:
  Run& run_;
  size_t& thoughts_bytes_;
  const std::optional<upstream::Usage> earlier_usage_ = run_.usage;
  size_t text_begin_ = run_.text_bytes();
  bool begins_anew_;
  bool is_full_ = false;
};

Task<Result<upstream::Answer>> Agent::ask(upstream::Prompt& prompt, bool is_last, Sink& sink) {
  return parts_.model.stream(is_last ? std::move(prompt) : prompt, sink, run_.scope);
}

Task<Result<upstream::Answer>> Agent::answer(upstream::Prompt& prompt) {
  for (uint32_t round = 0;; ++round) {
    prompt.tools.clear();
    if (!parts_.toolbox.is_empty() && round < limits::kToolRoundsMax) {
      prompt.tools = co_await parts_.toolbox.specs(run_.scope);
      if (run_.scope.is_requested()) co_return fail(Code::cancelled);
    }
    Sink sink(run_, thoughts_bytes_);
    const bool is_last = prompt.tools.empty();
    Result<upstream::Answer> answer = co_await ask(prompt, is_last, sink);
    if (answer && answer->usage) sink.on_usage(*answer->usage);
    if (answer && sink.is_full()) answer->finish_reason = "length";
    if (!answer || answer->tool_calls.empty() || is_last || sink.is_full()) co_return answer;
    CO_TRY(co_await do_calls(std::move(answer->tool_calls), sink.text(), prompt));
    make_room(prompt.messages, parts_.tokens_max);
  }
}

Task<Result<void>> Agent::do_calls(std::vector<upstream::ToolCall> calls, std::string text, upstream::Prompt& prompt) {
  ToolStep& step = steps_.emplace_back();
  step.text_end = run_.text_bytes();
  if (calls.size() > limits::kToolCallsMax) calls.resize(limits::kToolCallsMax);
  for (upstream::ToolCall& call : calls) {
    // Some servers give none, or the same to all.
    const bool is_taken = std::any_of(step.calls.begin(), step.calls.end(),
                                      [&](const ToolCallStep& other) { return other.id == call.id; });
    if (call.id.empty() || is_taken)
      call.id = "call_" + std::to_string(steps_.size()) + "_" + std::to_string(step.calls.size() + 1);
    step.calls.push_back({.id = call.id,
                          .name = call.name,
                          .arguments = call.arguments,
                          .state = ToolCallStep::State::running,
                          .result = {},
                          .summary = {}});
  }
  std::string intents = encode_tool_steps(steps_);
  if (intents.size() > kStepsBytesMax) co_return fail(Code::upstream_rejected, 0, "the model's calls are too long");
  CO_TRY(co_await save_steps(std::move(intents)));
  Gate running;
  for (ToolCallStep& call : step.calls) spawn(running, do_call(&call));
  co_await running.close();
  // A call that was cancelled may have happened: its intent stays as it is.
  if (run_.scope.is_requested()) co_return fail(Code::cancelled);
  std::string results = encode_tool_steps(steps_);
  if (results.size() > kStepsBytesMax) {
    for (ToolCallStep& call : step.calls) call.result = kNotKept;
    results = encode_tool_steps(steps_);
  }
  CO_TRY(co_await save_steps(std::move(results)));
  prompt.messages.push_back({upstream::Role::assistant, std::move(text), std::move(calls), {}});
  for (const ToolCallStep& call : step.calls)
    prompt.messages.push_back({upstream::Role::tool, call.result, {}, call.id});
  co_return Result<void>{};
}

Task<void> Agent::do_call(ToolCallStep* call) {
  run_.publish(tool_event(call->name, state_name(call->state), {}));
  Status status(run_);
  tools::ToolResult result = co_await parts_.toolbox.call(call->name, call->arguments, status, run_.scope);
  if (run_.scope.is_requested()) co_return;
  call->state = result.is_error ? ToolCallStep::State::failed : ToolCallStep::State::done;
  call->result = std::move(result.content);
  call->summary = std::move(result.summary);
  run_.publish(tool_event(call->name, state_name(call->state), call->summary));
}

Task<Result<void>> Agent::save_steps(std::string json) {
  run_.log_tool_steps(std::move(json), steps_.size());
  run_.settle();
  if (run_.log_failure()) co_return fail(*run_.log_failure());
  SyncJob sync(parts_.run_log);
  CO_TRY(co_await sync.run(parts_.pool, parts_.loop));
  co_return sync.result;
}

}  // namespace bobbin::chat
