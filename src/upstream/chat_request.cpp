#include "src/upstream/chat_request.h"

#include <simdjson.h>

#include "src/base/json.h"

namespace bobbin::upstream {
namespace {

bool is_json_object(const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  return parser.parse(text).get(object) == simdjson::SUCCESS;
}

void append_tool_calls(std::string& out, const std::vector<ToolCall>& calls) {
  out.push_back('[');
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) out.push_back(',');
    json::Object entry(out);
    entry.field("id", calls[i].id).field("type", "function");
    json::Object function(entry.key("function"));
    function.field("name", is_tool_name(calls[i].name) ? calls[i].name : to_tool_name(calls[i].name));
    function.field("arguments", is_json_object(calls[i].arguments) ? calls[i].arguments : "{}");
    function.close();
    entry.close();
  }
  out.push_back(']');
}

void append_message(std::string& out, const ChatMessage& message) {
  json::Object fields(out);
  fields.field("role", role_name(message.role));
  if (message.role == Role::tool) fields.field("tool_call_id", message.tool_call_id);
  if (message.tool_calls.empty()) {
    fields.field("content", message.content);
  } else {
    // Some servers take an empty string for something that was said.
    if (message.content.empty()) {
      fields.null("content");
    } else {
      fields.field("content", message.content);
    }
    append_tool_calls(fields.key("tool_calls"), message.tool_calls);
  }
  fields.close();
}

void append_tools(std::string& out, const std::vector<ToolSpec>& tools) {
  out.push_back('[');
  for (size_t i = 0; i < tools.size(); ++i) {
    if (i > 0) out.push_back(',');
    json::Object entry(out);
    entry.field("type", "function");
    json::Object function(entry.key("function"));
    function.field("name", tools[i].name).field("description", tools[i].description);
    const std::string_view any = R"({"type":"object","properties":{}})";
    function.key("parameters").append(tools[i].parameters.empty() ? any : tools[i].parameters);
    function.close();
    entry.close();
  }
  out.push_back(']');
}

}  // namespace

void append_chat_request(std::string& out, const Prompt& prompt, std::string_view model) {
  json::Object body(out);
  if (!model.empty()) body.field("model", model);
  body.key("messages").push_back('[');
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_message(out, prompt.messages[i]);
  }
  out.push_back(']');
  if (!prompt.tools.empty()) append_tools(body.key("tools"), prompt.tools);
  body.boolean("stream", true);
  json::Object options(body.key("stream_options"));
  options.boolean("include_usage", true);
  options.close();
  body.close();
}

}  // namespace bobbin::upstream
