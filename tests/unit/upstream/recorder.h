#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/upstream/answer.h"

namespace bobbin::upstream {

// Keeps every delta that it is handed.
class Recorder final : public DeltaSink {
 public:
  void on_delta(const Delta& delta) noexcept override { deltas.emplace_back(delta.kind, delta.text); }

  [[nodiscard]] std::string text(DeltaKind kind = DeltaKind::content) const {
    std::string all;
    for (const auto& [delta_kind, text] : deltas) {
      if (delta_kind == kind) all.append(text);
    }
    return all;
  }

  std::vector<std::pair<DeltaKind, std::string>> deltas;
};

}  // namespace bobbin::upstream
