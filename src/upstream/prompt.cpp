#include "src/upstream/prompt.h"

#include <algorithm>

namespace bobbin::upstream {
namespace {

// By hand: the C library's classes depend on the locale.
bool is_name_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

const char* role_name(Role role) noexcept {
  switch (role) {
    case Role::system: return "system";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
    case Role::tool: return "tool";
  }
  return "user";
}

bool is_tool_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kToolSpecNameBytesMax && std::all_of(name.begin(), name.end(), is_name_byte);
}

std::string to_tool_name(std::string_view text) {
  std::string name(text.substr(0, kToolSpecNameBytesMax));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_byte(c); }, '_');
  if (name.empty()) name = "_";
  return name;
}

}  // namespace bobbin::upstream
