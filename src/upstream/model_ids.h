#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

// The list of models that a server gives.
namespace bobbin::upstream {

// 1..256 bytes of UTF-8 without control characters.
[[nodiscard]] bool is_model_id(std::string_view id) noexcept;

// The ids in the answer to `GET …/models`, in its order, each once, kModelsMax at most; entries that are no model are
// left out. Errors: upstream_unavailable, upstream_rejected (the status, or no list of models). Any bytes are fine.
Result<std::vector<std::string>> parse_model_ids(int32_t status, std::string_view body);

}  // namespace bobbin::upstream
