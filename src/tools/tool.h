#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/loop/cancel.h"
#include "src/loop/task.h"
#include "src/tools/json_value.h"
#include "src/upstream/prompt.h"

namespace bobbin::tools {

using upstream::ToolSpec;

// What a call gave.
struct ToolResult {
  std::string content;    // UTF-8; shown to the model as data. Of an error: one clear sentence about it
  bool is_error = false;  // the tool could not do what was asked; the run goes on
  std::string summary;    // one short line for the user; may be empty
};

// A failed call: `sentence` is for the model and, shortened, for the user.
[[nodiscard]] ToolResult tool_error(std::string sentence);

// Where a call says what it is doing, for the user who waits.
class ToolProgress {
 public:
  // `text` is one line of UTF-8; valid until the call returns. On the tool's loop.
  virtual void on_status(std::string_view text) noexcept = 0;

 protected:
  ~ToolProgress() = default;
};

struct ToolLimits {
  uint32_t timeout_ms = 30'000;
  size_t result_bytes_max = size_t{32} * 1024;
};

// One function that the model may call. On one loop.
class Tool {
 public:
  virtual ~Tool() = default;

  [[nodiscard]] virtual const ToolSpec& spec() const noexcept = 0;
  [[nodiscard]] virtual ToolLimits limits() const noexcept { return {}; }
  // Does it. `arguments` is a JSON object, otherwise whatever the model wrote; it, the tool, `progress` and `scope`
  // outlive the call. When `scope` asks, the call ends soon, with an error of any words. Whether it then has done
  // anything is unknown. Everything that comes from outside is hostile until bounded and checked.
  virtual Task<ToolResult> call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) = 0;
};

// A set of tools that changes: those of a server. On one loop.
class ToolProvider {
 public:
  virtual ~ToolProvider() = default;

  // Short and for people; begins the name of a tool that another provider has too.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Brings the set up to date where it is due. What fails is logged and leaves the set as it was.
  virtual Task<void> refresh(CancelScope& scope) = 0;
  // The set as of the last refresh, in a stable order; names differ.
  [[nodiscard]] virtual std::vector<std::shared_ptr<Tool>> tools() const = 0;
  // Ends what is under way and says goodbye. Call once, when no call runs any more.
  virtual Task<void> close() = 0;
};

}  // namespace bobbin::tools
