#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/tools/json_value.h"

// JSON-RPC 2.0 as the Model Context Protocol uses it. Pure.
// Source: modelcontextprotocol.io, specification 2025-11-25, "Base protocol" and "Transports".
namespace bobbin::tools {

// The version that is asked for, and those that are understood: all that have the streamable HTTP transport.
inline constexpr std::string_view kMcpVersion = "2025-11-25";
[[nodiscard]] bool is_known_mcp_version(std::string_view version) noexcept;

// `params` is JSON text; empty: none.
[[nodiscard]] std::string mcp_request(int64_t id, std::string_view method, std::string_view params);
[[nodiscard]] std::string mcp_notification(std::string_view method, std::string_view params);
// The parameters of `initialize`: who we are, and that we can do nothing that a server could ask for.
[[nodiscard]] std::string mcp_initialize_params();

// The answer to a request of the server's: `ping` is answered, all else is not known.
[[nodiscard]] std::string mcp_reply(const JsonValue& request);

enum class McpKind : uint8_t { result, error, request, notification, invalid };
[[nodiscard]] McpKind mcp_kind(const JsonValue& message) noexcept;

// The line of a `notifications/progress`: its message, or how far it is; empty when it says neither.
[[nodiscard]] std::string mcp_progress_line(const JsonValue& params);

}  // namespace bobbin::tools
