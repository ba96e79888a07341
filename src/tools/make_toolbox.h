#pragma once

#include <memory>

#include "src/loop/loop.h"
#include "src/net/http_client.h"
#include "src/tools/toolbox.h"
#include "src/tools/tools_config.h"

namespace bobbin::tools {

// The toolbox of one worker. `loop` and `client` outlive it; `client` closes after it.
[[nodiscard]] std::unique_ptr<Toolbox> make_toolbox(const ToolsConfig& config, Loop& loop, net::HttpClient& client);

}  // namespace bobbin::tools
