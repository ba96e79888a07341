#include "src/chat/titler.h"

#include <vector>

#include "src/base/assert.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/chat/event.h"
#include "src/chat/store_op.h"
#include "src/chat/title.h"
#include "src/loop/deadline_scope.h"
#include "src/loop/spawn.h"

namespace bobbin::chat {
namespace {

// Takes a reply until there is enough of it, and then ends it: no server has to know a limit of tokens, under which
// some know another name, and of which thoughts may leave nothing.
class ReplySink final : public upstream::DeltaSink {
 public:
  explicit ReplySink(CancelScope& scope) : scope_(scope) {}

  void on_delta(const upstream::Delta& delta) noexcept override {
    if (delta.kind == upstream::DeltaKind::reasoning) {
      thoughts_bytes_ += delta.text.size();
      if (thoughts_bytes_ > kThoughtsBytesMax) scope_.request();
      return;
    }
    text_.append(delta.text);
    has_enough_ = is_reply_enough(text_);
    if (has_enough_) scope_.request();  // the last touch
  }
  [[nodiscard]] bool has_enough() const noexcept { return has_enough_; }
  std::string take_text() noexcept { return std::move(text_); }

 private:
  static constexpr size_t kThoughtsBytesMax = 16 * 1024;
  CancelScope& scope_;
  std::string text_;
  size_t thoughts_bytes_ = 0;
  bool has_enough_ = false;
};

bool wants_title(const store::ThreadSummary& thread) noexcept {
  return (thread.flags & store::thread_flags::kTitleOwn) == 0 && thread.keep_s == 0;
}

}  // namespace

Titler::~Titler() { BOBBIN_ASSERT(making_.empty()); }

void Titler::make(FirstAnswer first) {
  if (is_closed_ || making_.size() >= limits::kTitlesInMakingMax || !parts_.model.state().language_model) return;
  const Uuid run_id = first.thread.run_id;
  auto making = std::make_unique<Making>();
  making->of = std::move(first);
  Making& made = *making_.emplace(run_id, std::move(making)).first->second;
  parts_.directory.add_title(made.of.thread, parts_.engine);
  spawn(parts_.work, run(made));
}

void Titler::cancel(const Uuid& run_id) noexcept {
  const auto found = making_.find(run_id);
  if (found != making_.end()) found->second->scope.request();  // the last touch: it may end inside
}

void Titler::close() noexcept {
  is_closed_ = true;
  std::vector<Uuid> run_ids;
  run_ids.reserve(making_.size());
  for (const auto& [run_id, making] : making_) run_ids.push_back(run_id);
  for (const Uuid& run_id : run_ids) cancel(run_id);
}

Task<void> Titler::run(Making& making) {
  const Result<void> titled = co_await title(making);
  if (!titled) {
    log::debug("no better title", {{"thread_id", making.of.thread.thread},
                                   {"run_id", making.of.thread.run_id.to_string()},
                                   {"error", code_name(titled.error().code)},
                                   {"detail", titled.error().detail}});
  }
  parts_.directory.remove_title(making.of.thread);
  making_.erase(Uuid(making.of.thread.run_id));
}

Task<Result<void>> Titler::title(Making& making) {
  const auto& [user, thread, run_id] = making.of.thread;
  StoreRead find(parts_.pool, parts_.loop,
                 [&](store::Tier tier) { return parts_.store.find_thread(user, thread, tier); });
  CO_TRY_ASSIGN(const std::optional<store::ThreadSummary> summary, co_await find.run());
  if (making.scope.is_requested()) co_return fail(Code::cancelled);
  if (!summary || summary->incarnation != making.of.incarnation) co_return fail(Code::not_found, 0, "thread deleted");
  if (!wants_title(*summary)) co_return Result<void>{};
  CO_TRY_ASSIGN(const std::string reply, co_await ask(making));
  const std::optional<std::string> title = clean_title(reply);
  if (!title) co_return fail(Code::upstream_rejected, 0, "the model's reply is no title");
  StoreOp op(parts_.store, parts_.loop,
             store::SetTitle{.user = user,
                             .thread = thread,
                             .incarnation = making.of.incarnation,
                             .title = *title,
                             .by = store::TitleBy::model});
  CO_TRY_ASSIGN(const store::Reply stored, co_await op.run());
  if (std::get<store::TitleSet>(stored).applied) on_titled_(run_id, title_event(thread, *title));
  co_return Result<void>{};
}

Task<Result<std::string>> Titler::ask(Making& making) {
  DeadlineScope limits(parts_.loop, making.scope);
  limits.end_in(timeout_ms_);
  ReplySink sink(limits.scope());
  const Result<upstream::Answer> answer = co_await parts_.model.stream(
      title_prompt(making.of.model, making.of.question, making.of.answer), sink, limits.scope());
  if (making.scope.is_requested()) co_return fail(Code::cancelled);
  if (answer || sink.has_enough()) co_return sink.take_text();
  if (limits.scope().is_requested())
    co_return fail(Code::upstream_timeout, 0, "the model was asked for a title in vain");
  co_return fail(answer.error());
}

}  // namespace bobbin::chat
