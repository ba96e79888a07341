#include "src/upstream/chat_request.h"

#include "src/base/json.h"

namespace bobbin::upstream {

void append_chat_request(std::string& out, const Prompt& prompt, std::string_view model) {
  json::Object body(out);
  if (!model.empty()) body.field("model", model);
  body.key("messages").push_back('[');
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    if (i > 0) out.push_back(',');
    json::Object message(out);
    message.field("role", role_name(prompt.messages[i].role)).field("content", prompt.messages[i].content);
    message.close();
  }
  out.push_back(']');
  body.boolean("stream", true);
  json::Object options(body.key("stream_options"));
  options.boolean("include_usage", true);
  options.close();
  body.close();
}

}  // namespace bobbin::upstream
