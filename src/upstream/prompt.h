#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bobbin::upstream {

enum class Role : uint8_t { system, user, assistant };

// The word of the chat completions format. Never null.
[[nodiscard]] const char* role_name(Role role) noexcept;

struct ChatMessage {
  Role role;
  std::string content;  // UTF-8
};

// What a model is asked: oldest message first.
struct Prompt {
  // Empty: the one that the model's configuration names.
  std::string model;
  std::vector<ChatMessage> messages;
};

}  // namespace bobbin::upstream
