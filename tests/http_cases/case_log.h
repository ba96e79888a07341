#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bobbin::test {

// What the parser of that kind says about the bytes when they come in these pieces; README.md has the lines.
// Throws std::runtime_error for an unknown kind.
std::vector<std::string> event_log(std::string_view kind, const std::vector<std::string_view>& pieces);

}  // namespace bobbin::test
