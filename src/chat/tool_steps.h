#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What an answer has called on its way: kept with the message and in the run log as JSON, so that fields can be added.
namespace bobbin::chat {

struct ToolCallStep {
  enum class State : uint8_t {
    running,  // begun. In a run that is over: nobody knows whether it happened
    done,
    failed,
  };
  std::string id;  // not empty, its own within the answer
  std::string name;
  std::string arguments;  // as the model wrote them
  State state = State::running;
  std::string result;   // for the model
  std::string summary;  // one line, for people
};

// The calls that the model made at once.
struct ToolStep {
  uint64_t text_end = 0;  // bytes of the answer's text that came before them, from its beginning
  std::vector<ToolCallStep> calls;
};

[[nodiscard]] const char* state_name(ToolCallStep::State state) noexcept;

[[nodiscard]] std::string encode_tool_steps(const std::vector<ToolStep>& steps);
// Bytes of our own making: what does not fit is left out.
[[nodiscard]] std::vector<ToolStep> decode_tool_steps(std::string_view json);

}  // namespace bobbin::chat
