#pragma once

#include <string>
#include <string_view>

#include "src/upstream/prompt.h"

namespace bobbin::upstream {

// Appends the body of `POST /v1/chat/completions` that asks `prompt` of `model` (left out when empty: servers with one
// model take any), streamed, with the usage in a last chunk.
// Source: formats.md A.1.
void append_chat_request(std::string& out, const Prompt& prompt, std::string_view model);

}  // namespace bobbin::upstream
