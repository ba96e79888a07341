#pragma once

#include <string>

#include "storage/types.h"

namespace bobbin::chat {

// Appends a message as clients see it: an object of GET /chat/history.
void append_message(std::string& out, const store::MessageView& message);

}  // namespace bobbin::chat
