#pragma once

#include <optional>
#include <string>

#include "src/cli/control_protocol.h"

namespace bobbin::cli {

// Whether a process holds the directory: then its control socket is the way to the store.
bool is_served(const std::string& data);

// What came of asking the server of a data directory.
struct ControlReply {
  std::optional<ToolAnswer> answer;
  std::string complaint;  // without answer: why
};

// Sends the request and waits for the end of the command, however long it takes; `watch` hears of its progress, and
// when it says that nobody wants it any more, the connection is closed, which cancels the command. Blocks.
ControlReply ask_server(const std::string& data, const ControlRequest& request, store::Watch& watch);

}  // namespace bobbin::cli
