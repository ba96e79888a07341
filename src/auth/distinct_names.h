#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace bobbin::auth {

// Whether no name comes twice in a JSON object. Of two equal names, makers and checkers of tokens take different ones
// (RFC 8725 §2.6), and simdjson would take the first without a word.
[[nodiscard]] inline bool are_distinct(std::vector<std::string_view> names) {
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

}  // namespace bobbin::auth
