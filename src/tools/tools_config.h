#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/tools/http_tool.h"
#include "src/tools/ifixit_client.h"

// What the assistant may call, as the file of `--tools` says it. docs/tools.md describes the file.
namespace bobbin::tools {

// One MCP server.
struct McpServerConfig {
  std::string name;  // is_tool_name(), unique among servers
  http::Url url;
  HeaderSet headers;
  bool allow_private = false;
  ToolLimits limits;
};

struct ToolsConfig {
  std::optional<IfixitConfig> ifixit;
  std::vector<std::shared_ptr<const HttpToolConfig>> http;
  std::vector<McpServerConfig> mcp;
};

// Where secrets come from. Tests have their own.
class SecretSource {
 public:
  // Each nullopt where there is none that can be read.
  [[nodiscard]] virtual std::optional<std::string> read_file(const std::string& path) const = 0;
  [[nodiscard]] virtual std::optional<std::string> environment(const std::string& name) const = 0;

 protected:
  ~SecretSource() = default;
};

// Checks `text` and reads the secrets that it names. nullopt with one sentence in `complaint` that names the entry;
// a secret is never in it.
std::optional<ToolsConfig> parse_tools_config(std::string_view text, const SecretSource& secrets,
                                              std::string& complaint);

// The same for a file; paths of secrets are relative to it. Blocks on disk: before the loops run. An empty `path` is
// no tools.
std::optional<ToolsConfig> load_tools_config(const std::string& path, std::string& complaint);

}  // namespace bobbin::tools
