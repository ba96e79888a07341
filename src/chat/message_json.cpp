#include "src/chat/message_json.h"

#include <utility>

#include "src/base/clock.h"
#include "src/base/json.h"
#include "src/chat/tool_steps.h"

namespace bobbin::chat {
namespace {

std::string_view role_name(store::Role role) noexcept {
  switch (role) {
    case store::Role::system: return "system";
    case store::Role::user: return "user";
    case store::Role::assistant: return "assistant";
    case store::Role::tool: return "tool";
  }
  return "assistant";
}

std::string_view status_name(store::MessageStatus status) noexcept {
  switch (status) {
    case store::MessageStatus::complete: return "complete";
    case store::MessageStatus::interrupted: return "interrupted";
    case store::MessageStatus::stopped: return "stopped";
    case store::MessageStatus::failed: return "failed";
  }
  return "failed";
}

// What was called, without arguments and results: those are for the model.
void append_tools(std::string& out, std::string_view tool_steps) {
  out.push_back('[');
  bool is_first = true;
  for (const ToolStep& step : decode_tool_steps(tool_steps)) {
    for (const ToolCallStep& call : step.calls) {
      if (!std::exchange(is_first, false)) out.push_back(',');
      json::Object object(out);
      object.field("name", call.name).field("state", state_name(call.state)).field("summary", call.summary).close();
    }
  }
  out.push_back(']');
}

}  // namespace

void append_message(std::string& out, const store::MessageView& message) {
  json::Object object(out);
  object.field("id", message.id.to_string()).field("role", role_name(message.role)).field("content", message.content);
  append_rfc3339(object.key("timestamp").append("\""), message.created_us);
  out.push_back('"');
  object.field("status", status_name(message.status));
  if (!message.run_id.is_zero()) object.field("run_id", message.run_id.to_string());
  if (!message.reasoning.empty()) object.field("reasoning", message.reasoning);
  if (!message.model.empty()) object.field("model", message.model);
  if (!message.finish_reason.empty()) object.field("finish_reason", message.finish_reason);
  if (!message.tool_steps.empty()) append_tools(object.key("tools"), message.tool_steps);
  if (message.usage) {
    json::Object usage(object.key("usage"));
    usage.number("prompt_tokens", static_cast<int64_t>(message.usage->prompt_tokens));
    usage.number("completion_tokens", static_cast<int64_t>(message.usage->completion_tokens));
    usage.number("total_tokens", static_cast<int64_t>(message.usage->total_tokens)).close();
  }
  object.close();
}

}  // namespace bobbin::chat
