#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/loop/cancel.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/task.h"
#include "src/tools/tool.h"

namespace bobbin::tools {

// All that the assistant can call on one worker.
//
// A call never fails as such: an unknown name, arguments that are no JSON object, a tool that fails, takes too long or
// says too much all become a ToolResult with one clear sentence, so that the model can go on.
class Toolbox {
 public:
  explicit Toolbox(Loop& loop) : loop_(loop) {}
  Toolbox(const Toolbox&) = delete;
  Toolbox& operator=(const Toolbox&) = delete;
  // No call runs; close() has completed if a provider was ever asked for anything.
  ~Toolbox() = default;

  // Names of added tools differ (the configuration has checked it).
  void add(std::shared_ptr<Tool> tool);
  void add(std::unique_ptr<ToolProvider> provider);

  // Nothing was added: no prompt needs tools.
  [[nodiscard]] bool is_empty() const noexcept { return own_.empty() && providers_.empty(); }

  // What to put into a prompt, kToolsMax at most. May wait for servers to list their tools, kListMs at most;
  // one that does not answer is left out. An MCP tool keeps its name unless another tool has it: then each MCP tool of
  // that name is called `server_name`.
  Task<std::vector<ToolSpec>> specs(CancelScope& scope);

  // The tool of that name as of the last specs(), or null. Before the first specs() of a worker the tools of MCP
  // servers are not known.
  [[nodiscard]] std::shared_ptr<Tool> find(std::string_view name) const;

  // Calls the tool `name` with what the model wrote. `progress` gets cleaned single lines, kStatusesMax at most.
  // The result is UTF-8 and within the tool's bound; a summary is a single line and never empty.
  // When `scope` asks, the call ends soon and its result means nothing.
  Task<ToolResult> call(std::string name, std::string arguments, ToolProgress& progress, CancelScope& scope);

  // Ends all calls and waits for them, then lets providers say goodbye. Call once; later calls give an error.
  Task<void> close();

  // Models choose badly among many, and each costs tokens in every prompt.
  static constexpr size_t kToolsMax = 128;
  static constexpr size_t kArgumentsBytesMax = size_t{256} * 1024;
  static constexpr size_t kStatusesMax = 100;
  static constexpr uint32_t kListMs = 10'000;

 private:
  Task<void> refresh_one(ToolProvider* provider, CancelScope* scope) const;
  void name_tools();
  Task<ToolResult> call_tool(std::shared_ptr<Tool> tool, std::string arguments, ToolProgress& progress,
                             CancelScope& scope);

  Loop& loop_;
  Gate calls_;
  CancelScope closing_;
  std::vector<std::shared_ptr<Tool>> own_;
  std::vector<std::unique_ptr<ToolProvider>> providers_;
  std::vector<std::string> order_;  // names, as they stand in a prompt
  std::map<std::string, std::shared_ptr<Tool>, std::less<>> named_;
};

}  // namespace bobbin::tools
