#include "src/tools/mcp_content.h"

#include "src/tools/clip.h"

namespace bobbin::tools {
namespace {

// Enough to be cut by the tool's own bound, whatever that is.
constexpr size_t kTextBytesMax = size_t{512} * 1024;

std::string unshown(const char* what, const JsonValue& part) {
  const std::string type = to_status_line(part["mimeType"].text());
  return std::string("[") + what + (type.empty() ? "" : ", " + type) + ", not shown]";
}

std::string resource_text(const JsonValue& resource) {
  const std::string head = "Resource " + to_excerpt(resource["uri"].text()) + ":\n";
  if (resource["text"].kind() == JsonValue::Kind::text) return head + std::string(resource["text"].text());
  return head + unshown("binary data", resource);
}

std::string link_text(const JsonValue& link) {
  std::string text = "Link to a resource: " + to_excerpt(link["uri"].text());
  if (!link["name"].text().empty()) text += " (" + to_excerpt(link["name"].text()) + ')';
  if (!link["description"].text().empty()) text += ": " + to_excerpt(link["description"].text());
  return text;
}

std::string part_text(const JsonValue& part) {
  const std::string_view type = part["type"].text();
  if (type == "text") return std::string(part["text"].text());
  if (type == "image") return unshown("image", part);
  if (type == "audio") return unshown("audio", part);
  if (type == "resource") return resource_text(part["resource"]);
  if (type == "resource_link") return link_text(part);
  return unshown("content of an unknown type", part);
}

}  // namespace

ToolResult read_mcp_result(const JsonValue& result, std::string_view tool_name) {
  ToolResult read;
  read.is_error = result["isError"].boolean().value_or(false);
  for (const JsonValue& part : result["content"].items()) {
    if (read.content.size() > kTextBytesMax) break;
    if (!read.content.empty()) read.content += '\n';
    read.content += part_text(part);
  }
  if (read.content.empty()) read.content = result["structuredContent"].to_json();
  if (read.content.empty())
    read.content = read.is_error ? "The tool failed and did not say why." : "The tool gave no text.";
  read.summary = read.is_error ? to_excerpt(read.content) : std::string(tool_name) + ": done";
  return read;
}

}  // namespace bobbin::tools
