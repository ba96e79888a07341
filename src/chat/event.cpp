#include "src/chat/event.h"

#include "src/base/json.h"
#include "src/chat/message_json.h"

namespace bobbin::chat {

std::string start_event(std::string_view thread, const Uuid& user_message_id, const Uuid& message_id,
                        const Uuid& run_id) {
  std::string out;
  json::Object event(out);
  event.field("type", "start").field("thread_id", thread);
  event.field("user_message_id", user_message_id.to_string()).field("message_id", message_id.to_string());
  event.field("run_id", run_id.to_string()).close();
  return out;
}

std::string queued_event(std::string_view thread, const Uuid& run_id, uint32_t position) {
  std::string out;
  json::Object event(out);
  event.field("type", "queued").field("thread_id", thread).field("run_id", run_id.to_string());
  event.number("position", position).close();
  return out;
}

void append_token_event(std::string& out, std::string_view text) {
  out.append(R"({"type":"token","content":)");
  json::append_string(out, text);
  out.push_back('}');
}

void append_reasoning_event(std::string& out, std::string_view text) {
  out.append(R"({"type":"reasoning","content":)");
  json::append_string(out, text);
  out.push_back('}');
}

void append_logged_event(std::string& out, store::RunLogKind kind, std::string_view logged) {
  if (kind == store::RunLogKind::token) {
    append_token_event(out, logged);
  } else if (kind == store::RunLogKind::reasoning) {
    append_reasoning_event(out, logged);
  } else {
    out.append(logged);
  }
}

std::string resync_event(std::string_view thread, const Uuid& run_id, const store::Message* message) {
  std::string out;
  json::Object event(out);
  event.field("type", "resync").field("thread_id", thread).field("run_id", run_id.to_string());
  if (message != nullptr) {
    append_message(event.key("message"), message->as<std::string_view>());
  } else {
    event.null("message");
  }
  event.close();
  return out;
}

std::string status_event(std::string_view text) {
  std::string out;
  json::Object event(out);
  event.field("type", "status").field("content", text).close();
  return out;
}

std::string tool_event(std::string_view name, std::string_view state, std::string_view summary) {
  std::string out;
  json::Object event(out);
  event.field("type", "tool").field("name", name).field("state", state).field("summary", summary).close();
  return out;
}

std::string title_event(std::string_view thread, std::string_view title) {
  std::string out;
  json::Object event(out);
  event.field("type", "title").field("thread_id", thread).field("title", title).close();
  return out;
}

std::string done_event(std::string_view thread, const Uuid& message_id, std::string_view finish_reason,
                       const std::optional<store::Usage>& usage) {
  std::string out;
  json::Object event(out);
  event.field("type", "done").field("thread_id", thread).field("message_id", message_id.to_string());
  if (usage) {
    json::Object counts(event.key("usage"));
    counts.number("prompt_tokens", static_cast<int64_t>(usage->prompt_tokens));
    counts.number("completion_tokens", static_cast<int64_t>(usage->completion_tokens));
    counts.number("total_tokens", static_cast<int64_t>(usage->total_tokens)).close();
  } else {
    event.null("usage");
  }
  event.field("finish_reason", finish_reason).close();
  return out;
}

std::string error_event(std::string_view text, std::string_view code) {
  std::string out;
  json::Object event(out);
  event.field("type", "error").field("content", text).field("code", code).close();
  return out;
}

std::string stopped_event(std::string_view reason, std::string_view thread, const Uuid& message_id) {
  std::string out;
  json::Object event(out);
  event.field("type", "stopped").field("reason", reason);
  if (!thread.empty()) event.field("thread_id", thread);
  if (!message_id.is_zero()) event.field("message_id", message_id.to_string());
  event.close();
  return out;
}

std::string interrupted_event() { return R"({"type":"interrupted"})"; }

}  // namespace bobbin::chat
