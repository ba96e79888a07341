#pragma once

#include <memory>
#include <vector>

#include "src/tools/ifixit_client.h"
#include "src/tools/tool.h"

namespace bobbin::tools {

// `ifixit_search_guides`, `ifixit_get_guide` and `ifixit_get_device`, which share one client and its cache.
// `loop` and `client` outlive them.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_ifixit_tools(Loop& loop, net::HttpClient& client,
                                                                   IfixitConfig config);

}  // namespace bobbin::tools
