// Messages of an MCP server: each is of one kind, and what we answer is JSON-RPC whatever was asked.

#include "src/tools/mcp_message.h"

#include <string>

#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using tools::JsonDocument;
using tools::JsonValue;
using tools::McpKind;

JsonDocument parse_own(const std::string& text) {
  Result<JsonDocument> document = JsonDocument::parse(text);
  FUZZ_CHECK(document.has_value());
  return std::move(*document);
}

}  // namespace

void run(std::string_view input) {
  const Result<JsonDocument> message = JsonDocument::parse(input);
  if (!message) return;
  const JsonValue root = message->root();
  const McpKind kind = tools::mcp_kind(root);
  if (kind == McpKind::request) {
    const JsonDocument reply = parse_own(tools::mcp_reply(root));
    FUZZ_CHECK(reply.root()["id"].to_json() == root["id"].to_json());
    FUZZ_CHECK(tools::mcp_kind(reply.root()) == (root["method"].text() == "ping" ? McpKind::result : McpKind::error));
  }
  touch(tools::mcp_progress_line(root["params"]));
  const JsonDocument request = parse_own(tools::mcp_request(7, "tools/call", input));
  FUZZ_CHECK(tools::mcp_kind(request.root()) == McpKind::request);
  FUZZ_CHECK(request.root()["params"].to_json() == root.to_json());
  static_cast<void>(tools::is_known_mcp_version(root["version"].text()));
}

}  // namespace bobbin::fuzz
