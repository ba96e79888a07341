#include "src/chat/tool_steps.h"

#include <simdjson.h>

#include "src/base/json.h"

namespace bobbin::chat {
namespace {

using State = ToolCallStep::State;
using simdjson::dom::element;

State state_of(std::string_view word) noexcept {
  if (word == "done") return State::done;
  return word == "failed" ? State::failed : State::running;
}

std::string text_of(const element& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

void append_call(std::string& out, const ToolCallStep& call) {
  json::Object object(out);
  object.field("id", call.id).field("name", call.name).field("arguments", call.arguments);
  object.field("state", state_name(call.state));
  if (call.state != State::running) object.field("result", call.result).field("summary", call.summary);
  object.close();
}

}  // namespace

const char* state_name(State state) noexcept {
  switch (state) {
    case State::running: return "running";
    case State::done: return "done";
    case State::failed: return "failed";
  }
  return "running";
}

std::string encode_tool_steps(const std::vector<ToolStep>& steps) {
  std::string out = "[";
  for (const ToolStep& step : steps) {
    if (out.size() > 1) out.push_back(',');
    json::Object object(out);
    object.number("text_end", static_cast<int64_t>(step.text_end));
    object.key("calls").push_back('[');
    for (const ToolCallStep& call : step.calls) {
      if (&call != step.calls.data()) out.push_back(',');
      append_call(out, call);
    }
    out.push_back(']');
    object.close();
  }
  out.push_back(']');
  return out;
}

std::vector<ToolStep> decode_tool_steps(std::string_view json) {
  std::vector<ToolStep> steps;
  if (json.empty()) return steps;
  simdjson::dom::parser parser;
  element document;
  simdjson::dom::array rounds;
  if (parser.parse(json.data(), json.size(), true).get(document) != simdjson::SUCCESS ||
      document.get(rounds) != simdjson::SUCCESS) {
    return steps;
  }
  for (const element round : rounds) {
    ToolStep& step = steps.emplace_back();
    simdjson::dom::array calls;
    if (round["text_end"].get(step.text_end) != simdjson::SUCCESS || round["calls"].get(calls) != simdjson::SUCCESS) {
      steps.pop_back();
      continue;
    }
    for (const element call : calls) {
      step.calls.push_back({.id = text_of(call, "id"),
                            .name = text_of(call, "name"),
                            .arguments = text_of(call, "arguments"),
                            .state = state_of(text_of(call, "state")),
                            .result = text_of(call, "result"),
                            .summary = text_of(call, "summary")});
    }
  }
  return steps;
}

}  // namespace bobbin::chat
