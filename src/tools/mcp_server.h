#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/loop/loop_mutex.h"
#include "src/tools/mcp_session.h"

namespace bobbin::tools {

// The tools of one MCP server. The list is fetched when it is first asked for, again when the server says that it has
// changed, and when it is old; a server that fails is left alone for a while. On one loop.
class McpServer final : public ToolProvider {
 public:
  // `loop` and `client` outlive it.
  McpServer(Loop& loop, net::HttpClient& client, McpServerConfig config);

  [[nodiscard]] std::string_view name() const noexcept override { return session_->config().name; }
  Task<void> refresh(CancelScope& scope) override;
  [[nodiscard]] std::vector<std::shared_ptr<Tool>> tools() const override { return tools_; }
  Task<void> close() override;

  static constexpr uint64_t kListAgeMs = 5 * 60 * 1000;
  static constexpr uint64_t kRetryMs = 30 * 1000;
  // A server that says all the time that its list has changed is asked no more often.
  static constexpr uint64_t kPauseMs = 2 * 1000;
  // One that has not answered for so long has failed, also when the asking run was stopped.
  static constexpr uint64_t kPatienceMs = 5 * 1000;
  static constexpr size_t kToolsMax = 128;
  static constexpr size_t kPagesMax = 32;
  static constexpr size_t kDescriptionBytesMax = size_t{2} * 1024;
  static constexpr size_t kSchemaBytesMax = size_t{16} * 1024;

 private:
  // All pages of the list; why it could not be had, or nothing.
  Task<std::string> fetch_list(CancelScope& scope);
  void add_tools(const JsonValue& page, std::vector<std::shared_ptr<Tool>>& tools) const;

  Loop& loop_;
  const std::shared_ptr<McpSession> session_;
  LoopMutex refreshing_;
  std::vector<std::shared_ptr<Tool>> tools_;
  uint64_t fetched_ms_ = 0;
  uint64_t not_before_ms_ = 0;  // after a failure
  bool has_list_ = false;
  bool wants_list_ = true;
};

}  // namespace bobbin::tools
