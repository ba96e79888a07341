#include "src/chat/memory_maker.h"

#include "src/base/clock.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/chat/context_reader.h"
#include "src/chat/memory.h"
#include "src/store/store_op.h"

namespace bobbin::chat {

void MemoryMaker::make(const Answered& answered) {
  if (!wants_fold(options_, answered.tokens) || !parts_.model.state().language_model) return;
  parts_.asides.begin({answered.user, answered.thread, Uuid{}, RunDirectory::Aside::Kind::memory},
                      limits::kMemoriesInMakingMax,
                      [this, answered](CancelScope& scope) { return run(answered, scope); });
}

Task<void> MemoryMaker::run(Answered answered, CancelScope& scope) {
  const Result<void> folded = co_await fold(answered, scope);
  if (folded || folded.error().code == Code::cancelled) co_return;
  log::info("the older part of a conversation could not be folded: the model is not shown it",
            {{"thread_id", answered.thread},
             {"run_id", answered.run_id.to_string()},
             {"error", code_name(folded.error().code)},
             {"detail", folded.error().detail}});
}

Task<Result<void>> MemoryMaker::fold(const Answered& answered, CancelScope& scope) {
  store::StoreRead read(parts_.pool, parts_.loop, [&](store::Tier tier) {
    return read_context(parts_.store, answered.user, answered.thread, fold_tokens_max(options_), tier,
                        fold_message_tokens_max(options_));
  });
  CO_TRY_ASSIGN(const Context context, co_await read.run());
  if (scope.is_requested()) co_return fail(Code::cancelled);
  if (!context.page.found || context.page.incarnation != answered.incarnation) co_return Result<void>{};
  std::optional<Fold> fold = plan_fold(options_, context);
  if (!fold) co_return Result<void>{};
  fold->prompt.model = answered.model;
  const size_t bytes_max = fold->text_bytes_max;
  // A little more than is kept, for white space and thoughts in the text.
  const auto is_enough = [bytes_max](std::string_view reply) { return reply.size() > 2 * bytes_max; };
  CO_TRY_ASSIGN(const std::string reply, co_await ask_aside(parts_.loop, parts_.model, std::move(fold->prompt),
                                                            limits::kMemoryTimeoutMs, is_enough, scope));
  fold->memory.text = clean_memory(reply, bytes_max);
  if (fold->memory.text.empty()) co_return fail(Code::upstream_rejected, 0, "the model's reply is empty");
  fold->memory.model = answered.model;
  fold->memory.created_us = wall_now_us();
  store::StoreOp op(parts_.store, parts_.loop,
                    store::PutMemory{.user = answered.user,
                                     .thread = answered.thread,
                                     .incarnation = answered.incarnation,
                                     .memory = std::move(fold->memory),
                                     .replaces = std::move(fold->replaces)});
  CO_TRY(co_await op.run());
  co_return Result<void>{};
}

}  // namespace bobbin::chat
