#include "src/tools/make_toolbox.h"

#include "src/tools/ifixit_tools.h"
#include "src/tools/mcp_server.h"

namespace bobbin::tools {

std::unique_ptr<Toolbox> make_toolbox(const ToolsConfig& config, Loop& loop, net::HttpClient& client) {
  auto toolbox = std::make_unique<Toolbox>(loop);
  if (config.ifixit) {
    for (std::shared_ptr<Tool>& tool : make_ifixit_tools(loop, client, *config.ifixit)) toolbox->add(std::move(tool));
  }
  for (const auto& tool : config.http) toolbox->add(std::make_shared<HttpTool>(client, tool));
  for (const McpServerConfig& server : config.mcp) toolbox->add(std::make_unique<McpServer>(loop, client, server));
  return toolbox;
}

}  // namespace bobbin::tools
