// What the model is asked for a run.

#include "src/chat/engine.h"
#include "src/chat/reply.h"
#include "src/chat/run_options.h"
#include "src/chat/tool_steps.h"
#include "src/store/store_op.h"

namespace bobbin::chat {
namespace {

// What a model is told that shall go on with an answer: as a message of the user, which every model understands.
constexpr const char* kContinueRequest =
    "Your last answer was cut off. Go on exactly where it ends: repeat nothing, introduce nothing.";

// Whether `page` is the history right before the run's message, or ends with that message.
bool is_context_of(const store::HistoryPage& page, const store::StartedRun& started) {
  if (!page.found) return started.parent_order == 0;
  if (page.incarnation != started.incarnation) return false;
  const uint64_t newest = page.messages.empty() ? 0 : page.messages[0].order;
  return newest == started.parent_order || newest == started.user_order;
}

}  // namespace

Task<Result<upstream::Prompt>> Engine::build_prompt(Run& run) {
  CO_TRY_ASSIGN(PromptSources known, co_await read_sources_of(run));
  Context& context = known.context;
  store::HistoryPage& page = context.page;
  if (!is_context_of(page, run.started)) {
    // The answer before this message is being committed together with it: then so far it cannot be read.
    co_await run.gate_opened();
    CO_TRY_ASSIGN(known, co_await read_sources_of(run));
    // Deleted meanwhile, perhaps made anew under the same id: what is there is not this run's history.
    if (!page.found || !is_context_of(page, run.started)) co_return fail(Code::gone, 0, "thread deleted");
  }
  if (run.started.kind == store::SubmitKind::continue_answer) {
    begin_with(run, page.messages);
  } else if (page.messages.empty() || page.messages[0].order != run.started.user_order) {
    store::MessageView own;
    own.content = run.started.content;
    page.messages.insert(page.messages.begin(), own);
  }
  note_first_question(run, page.messages);
  const UserSettings& settings = known.settings;
  ContextOptions shown = options_.context;
  if (!settings.system_prompt.empty()) {
    if (!shown.system_prompt.empty()) shown.system_prompt.append("\n\n");
    shown.system_prompt.append(settings.system_prompt);
    run.context_tokens += estimate_tokens(settings.system_prompt);
  }
  upstream::Prompt prompt;
  prompt.model = decode_run_options(run.started.options).model;
  if (prompt.model.empty()) prompt.model = settings.model;
  prompt.messages = fit_context(shown, page.messages, context.memory ? context.memory->text : "");
  for (const store::MessageView& message : page.messages) run.context_tokens += estimate_tokens(message);
  if (context.memory) run.context_tokens += estimate_tokens(context.memory->text);
  co_return prompt;
}

void Engine::note_first_question(Run& run, const std::vector<store::MessageView>& newest_first) const {
  if (options_.titles == Titles::off) return;
  const store::MessageView* first_question = nullptr;
  for (const store::MessageView& message : newest_first) {
    if (message.role == store::Role::assistant && message.status == store::MessageStatus::complete) return;
    if (message.role == store::Role::user) first_question = &message;
  }
  if (first_question != nullptr)
    run.title_question = std::string(begin_of(first_question->content, limits::kTitleQuestionBytesMax));
}

// A continued answer begins with what there is of it: its readers get all of it, and what is stored is whole.
void Engine::begin_with(Run& run, std::vector<store::MessageView>& newest_first) {
  store::MessageView& left = newest_first.front();
  if (left.role != store::Role::assistant) return;  // the question is answered from the start
  const std::vector<ToolStep> steps = decode_tool_steps(left.tool_steps);
  if (!steps.empty()) run.log_tool_steps(std::string(left.tool_steps), steps.size());
  if (left.content.empty()) return;
  run.publish_token(left.content);
  // Of the results of its last calls it has said nothing yet: the model goes on from them.
  if (!steps.empty() && steps.back().text_end == left.content.size()) return;
  // Its end is what the model goes on from.
  const size_t bytes_max = size_t{options_.context.tokens_max} / 2 * kBytesPerToken;
  if (left.content.size() > bytes_max) {
    left.content = end_of(left.content, bytes_max);
    left.tool_steps = {};  // they name places in the whole text
  }
  store::MessageView request;
  request.content = kContinueRequest;
  newest_first.insert(newest_first.begin(), request);
}

// One way to the readers' threads for both.
Task<Result<Engine::PromptSources>> Engine::read_sources_of(const Run& run) {
  store::StoreRead read(parts_.pool, parts_.loop, [this, &run](store::Tier tier) -> Result<PromptSources> {
    const std::string& user = run.started.user;
    PromptSources sources;
    TRY_ASSIGN(sources.context,
               read_context(parts_.store, user, run.started.thread, options_.context.tokens_max, tier));
    TRY_ASSIGN(sources.settings, read_user_settings(parts_.store, user, tier));
    return sources;
  });
  co_return co_await read.run();
}

}  // namespace bobbin::chat
