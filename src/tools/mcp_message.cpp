#include "src/tools/mcp_message.h"

#include <algorithm>
#include <iterator>

#include "src/base/json.h"

namespace bobbin::tools {

bool is_known_mcp_version(std::string_view version) noexcept {
  constexpr std::string_view kKnown[] = {"2025-03-26", "2025-06-18", "2025-11-25"};
  return std::find(std::begin(kKnown), std::end(kKnown), version) != std::end(kKnown);
}

std::string mcp_request(int64_t id, std::string_view method, std::string_view params) {
  std::string text;
  json::Object message(text);
  message.field("jsonrpc", "2.0").number("id", id).field("method", method);
  if (!params.empty()) message.key("params").append(params);
  message.close();
  return text;
}

std::string mcp_notification(std::string_view method, std::string_view params) {
  std::string text;
  json::Object message(text);
  message.field("jsonrpc", "2.0").field("method", method);
  if (!params.empty()) message.key("params").append(params);
  message.close();
  return text;
}

std::string mcp_initialize_params() {
  std::string text;
  json::Object params(text);
  params.field("protocolVersion", kMcpVersion);
  params.key("capabilities").append("{}");
  json::Object client(params.key("clientInfo"));
  client.field("name", "bobbin").field("version", "1");
  client.close();
  params.close();
  return text;
}

std::string mcp_reply(const JsonValue& request) {
  std::string text;
  json::Object message(text);
  message.field("jsonrpc", "2.0");
  message.key("id").append(request["id"].to_json());
  if (request["method"].text() == "ping") {
    message.key("result").append("{}");
  } else {
    json::Object error(message.key("error"));
    error.number("code", -32601).field("message", "this client does not do that");
    error.close();
  }
  message.close();
  return text;
}

McpKind mcp_kind(const JsonValue& message) noexcept {
  const bool has_id = message["id"].kind() == JsonValue::Kind::number || message["id"].kind() == JsonValue::Kind::text;
  if (message["method"].kind() == JsonValue::Kind::text) return has_id ? McpKind::request : McpKind::notification;
  if (has_id && message["result"].is_object()) return McpKind::result;
  // An error whose request could not be read has no id.
  if (message["error"].is_object()) return McpKind::error;
  return McpKind::invalid;
}

std::string mcp_progress_line(const JsonValue& params) {
  const std::string_view text = params["message"].text();
  if (!text.empty()) return std::string(text);
  if (params["progress"].kind() != JsonValue::Kind::number) return {};
  std::string line = params["progress"].to_json();
  if (params["total"].kind() == JsonValue::Kind::number) line += " of " + params["total"].to_json();
  return line;
}

}  // namespace bobbin::tools
