#pragma once

#include <cstdint>

#include "src/loop/loop.h"
#include "src/upstream/model.h"

namespace bobbin::upstream {

// The model that is always there: it streams offline_answer() word by word, one every `piece_interval_ms`. Cannot fail.
class OfflineModel final : public Model {
 public:
  // `loop` must outlive the model.
  explicit OfflineModel(Loop& loop, uint32_t piece_interval_ms = 4);

  Task<Result<Answer>> stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) override;
  [[nodiscard]] ModelState state() const override;

 private:
  Loop& loop_;
  const uint32_t piece_interval_ms_;
};

}  // namespace bobbin::upstream
