#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/upstream/answer.h"

namespace bobbin::upstream {

enum class Role : uint8_t { system, user, assistant, tool };

// The word of the chat completions format. Never null.
[[nodiscard]] const char* role_name(Role role) noexcept;

// One message of a prompt. A round of tools is one message of the assistant with the calls that it made, then one of
// role `tool` for each of them, in any order.
struct ChatMessage {
  Role role;
  std::string content;                    // UTF-8
  std::vector<ToolCall> tool_calls = {};  // Role::assistant: what it called; ids are not empty and differ
  std::string tool_call_id = {};          // Role::tool: the call whose result `content` is
};

// The longest name that servers take for a function.
inline constexpr size_t kToolSpecNameBytesMax = 64;

// A function that the model may call.
struct ToolSpec {
  std::string name;         // is_tool_name()
  std::string description;  // UTF-8, for the model
  std::string parameters;   // JSON text of an object: the JSON schema of the arguments. Empty: any object

  friend bool operator==(const ToolSpec&, const ToolSpec&) = default;
};

// Whether servers take `name` for a function: 1 to 64 of a-z, A-Z, 0-9, `_` and `-`.
[[nodiscard]] bool is_tool_name(std::string_view name) noexcept;

// The nearest such name: other bytes become `_`, what is too long is cut, nothing becomes `_`.
[[nodiscard]] std::string to_tool_name(std::string_view text);

// What a model is asked: oldest message first.
struct Prompt {
  // Empty: the one that the model's configuration names.
  std::string model;
  std::vector<ChatMessage> messages;
  // What it may call; names differ. Empty: the request says nothing of tools.
  std::vector<ToolSpec> tools = {};
  // Nobody waits for the answer: that there is none is worth a line of debugging, and no word about the server.
  bool is_aside = false;
};

}  // namespace bobbin::upstream
