#include "src/upstream/offline_model.h"

#include "src/loop/sleep.h"
#include "src/upstream/offline_answer.h"

namespace bobbin::upstream {

OfflineModel::OfflineModel(Loop& loop, uint32_t piece_interval_ms)
    : loop_(loop), piece_interval_ms_(piece_interval_ms) {}

Task<Result<Answer>> OfflineModel::stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) {
  const std::string text = offline_answer(prompt);
  for (size_t at = 0; at < text.size();) {
    SleepOp pause(loop_, scope, piece_interval_ms_);
    CO_TRY(co_await pause.run());
    const std::string_view piece = next_piece(text, at);
    sink.on_delta({.kind = DeltaKind::content, .text = piece});
    at += piece.size();
  }
  co_return Answer{.finish_reason = "stop", .model = "bobbin-offline", .usage = std::nullopt, .tool_calls = {}};
}

ModelState OfflineModel::state() const {
  return {.language_model = false,
          .name = "offline",
          .url = "",
          .model = "bobbin-offline",
          .detail = "the built-in answer, no language model is connected"};
}

}  // namespace bobbin::upstream
