#pragma once

#include <string_view>

#include "src/tools/tool.h"

namespace bobbin::tools {

// The result of `tools/call` as text: text parts as they are, resources with their address, a line for what is no text.
// Structured content stands in where there is no text. `tool_name` is for the summary.
[[nodiscard]] ToolResult read_mcp_result(const JsonValue& result, std::string_view tool_name);

}  // namespace bobbin::tools
