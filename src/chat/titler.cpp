#include "src/chat/titler.h"

#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/chat/event.h"
#include "src/chat/title.h"
#include "src/store/store_op.h"

namespace bobbin::chat {
namespace {

bool wants_title(const store::ThreadSummary& thread) noexcept {
  return (thread.flags & store::thread_flags::kTitleOwn) == 0 && thread.keep_s == 0;
}

}  // namespace

void Titler::make(FirstAnswer first) {
  if (!parts_.model.state().language_model) return;
  const RunDirectory::Aside aside{first.user, first.thread, first.run_id, RunDirectory::Aside::Kind::title};
  parts_.asides.begin(aside, limits::kTitlesInMakingMax,
                      [this, first = std::move(first)](CancelScope& scope) { return run(first, scope); });
}

Task<void> Titler::run(FirstAnswer first, CancelScope& scope) {
  const Result<void> titled = co_await title(first, scope);
  if (titled) co_return;
  log::debug("no better title", {{"thread_id", first.thread},
                                 {"run_id", first.run_id.to_string()},
                                 {"error", code_name(titled.error().code)},
                                 {"detail", titled.error().detail}});
}

Task<Result<void>> Titler::title(const FirstAnswer& first, CancelScope& scope) {
  store::StoreRead find(parts_.pool, parts_.loop,
                        [&](store::Tier tier) { return parts_.store.find_thread(first.user, first.thread, tier); });
  CO_TRY_ASSIGN(const std::optional<store::ThreadSummary> summary, co_await find.run());
  if (scope.is_requested()) co_return fail(Code::cancelled);
  if (!summary || summary->incarnation != first.incarnation) co_return fail(Code::not_found, 0, "thread deleted");
  if (!wants_title(*summary)) co_return Result<void>{};
  CO_TRY_ASSIGN(const std::string reply,
                co_await ask_aside(parts_.loop, parts_.model, title_prompt(first.model, first.question, first.answer),
                                   timeout_ms_, is_reply_enough, scope));
  const std::optional<std::string> title = clean_title(reply);
  if (!title) co_return fail(Code::upstream_rejected, 0, "the model's reply is no title");
  store::StoreOp op(parts_.store, parts_.loop,
                    store::SetTitle{.user = first.user,
                                    .thread = first.thread,
                                    .incarnation = first.incarnation,
                                    .title = *title,
                                    .by = store::TitleBy::model});
  CO_TRY_ASSIGN(const store::Reply stored, co_await op.run());
  if (std::get<store::TitleSet>(stored).applied) on_titled_(first.run_id, title_event(first.thread, *title));
  co_return Result<void>{};
}

}  // namespace bobbin::chat
