#pragma once

#include <vector>

#include "src/chat/run.h"
#include "src/chat/tool_steps.h"
#include "src/loop/offload.h"
#include "src/tools/toolbox.h"
#include "src/upstream/model.h"
#include "storage/run_log.h"

namespace bobbin::chat {

// What an agent works with. All of it outlives the agent.
struct AgentParts {
  Loop& loop;
  BlockingPool& pool;
  store::RunLog& run_log;
  upstream::Model& model;
  tools::Toolbox& toolbox;
  uint32_t tokens_max;  // of a prompt, as ContextOptions says
};

// Makes one run's answer: asks the model, does what it calls, and asks again with the results, for kToolRoundsMax
// rounds at most; in the last one it may call nothing more.
//
// That a call is about to happen is on disk before it happens, and its result is before the model is told of it. So
// whatever ends the process, nothing is called twice by itself: what began and has no result is shown to the model as
// of unknown outcome.
class Agent {
 public:
  // `steps`: what an answer that is continued has called already.
  Agent(const AgentParts& parts, Run& run, std::vector<ToolStep> steps)
      : parts_(parts), run_(run), steps_(std::move(steps)) {}

  // Events and text go to the run as they come; so do tool steps. What exceeds kTextBytesMax is left out, and ends the
  // answer as `length`. What is left of `prompt` means nothing. Errors: those of Model::stream, and of the run log;
  // upstream_rejected also where the calls exceed kStepsBytesMax.
  Task<Result<upstream::Answer>> answer(upstream::Prompt& prompt);

  // Of one answer, all its rounds and continuations together: the text, apart from it the thoughts, and what was
  // called, as it is kept. The store and the run log take 16 MiB of each; an answer that they refuse would be lost.
  static constexpr size_t kTextBytesMax = size_t{12} * 1024 * 1024;
  static constexpr size_t kStepsBytesMax = size_t{8} * 1024 * 1024;

 private:
  class Sink;
  // In a function of its own, so that no prompt is in the frame that waits. Only the last question may take it.
  Task<Result<upstream::Answer>> ask(upstream::Prompt& prompt, bool is_last, Sink& sink);
  // Does what the model has called, and adds calls and results to the prompt.
  Task<Result<void>> do_calls(std::vector<upstream::ToolCall> calls, std::string text, upstream::Prompt& prompt);
  Task<void> do_call(ToolCallStep* call);
  // `json`: all steps as they are now. On disk when it resumes.
  Task<Result<void>> save_steps(std::string json);

  AgentParts parts_;
  Run& run_;
  std::vector<ToolStep> steps_;
  size_t thoughts_bytes_ = 0;  // of all rounds
};

}  // namespace bobbin::chat
