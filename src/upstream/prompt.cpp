#include "src/upstream/prompt.h"

namespace bobbin::upstream {

const char* role_name(Role role) noexcept {
  switch (role) {
    case Role::system: return "system";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
  }
  return "user";
}

}  // namespace bobbin::upstream
