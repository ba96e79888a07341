#pragma once

#include <string>
#include <string_view>

#include "src/upstream/prompt.h"

namespace bobbin::upstream {

// Appends the body of `POST /v1/chat/completions` that asks `prompt` of `model` (left out when empty: servers with one
// model take any), streamed, with the usage in a last chunk.
//
// A call that the model made is shown to it again in a form that every server takes: an ill-formed name as
// to_tool_name() makes it, arguments that are not one JSON object as `{}` (servers whose templates read them refuse the
// whole conversation otherwise; the result of that call says what was wrong).
// Source: formats.md A.1.
void append_chat_request(std::string& out, const Prompt& prompt, std::string_view model);

}  // namespace bobbin::upstream
