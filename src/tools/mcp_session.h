#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/loop/cancel.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/loop/loop_mutex.h"
#include "src/net/http_client.h"
#include "src/tools/mcp_exchange.h"
#include "src/tools/tool.h"
#include "src/tools/tools_config.h"

namespace bobbin::tools {

// The session with one MCP server over streamable HTTP.
//
// It begins with the first request (`initialize`, then `notifications/initialized`), and once more when the server says
// that it does not know it any more: that request is then repeated once, as the server has not looked at it. Where a
// server says that its list of tools may change, one stream stays open to hear of it. On one loop.
class McpSession {
 public:
  // `loop` and `client` outlive it.
  McpSession(Loop& loop, net::HttpClient& client, McpServerConfig config);
  McpSession(const McpSession&) = delete;
  McpSession& operator=(const McpSession&) = delete;
  // close() has completed, if there ever was a request.
  ~McpSession() = default;

  struct Request {
    int64_t id;  // of next_id()
    std::string method;
    std::string params;                // JSON text
    bool once = false;                 // must not go out twice
    ToolProgress* progress = nullptr;  // hears of `notifications/progress` whose token is `id`
  };
  [[nodiscard]] int64_t next_id() noexcept { return ++last_id_; }

  // The answer to a request: a result, or what went wrong (never `accepted` or `cut`). A request that the scope
  // ended is called off with `notifications/cancelled`.
  Task<McpAnswer> request(Request request, CancelScope& scope);

  // Whether the list of tools may have changed since the last call of this.
  [[nodiscard]] bool take_list_changed() noexcept { return std::exchange(list_changed_, false); }

  // Ends the open stream, and tells the server that the session is over. Call once; no request runs.
  Task<void> close();

  [[nodiscard]] const McpServerConfig& config() const noexcept { return config_; }

 private:
  class Listener;
  // Makes sure that there is a session: `accepted`, or what went wrong.
  Task<McpAnswer> begin(CancelScope& scope);
  Task<McpAnswer> initialize(CancelScope& scope);
  // One request within the session, and where its stream is cut, the rest of it.
  Task<McpAnswer> exchange(const Request& request, CancelScope& scope);
  // Listens until `scope` asks, the session is lost or the server does not offer it.
  Task<void> listen(std::shared_ptr<CancelScope> scope);
  // Sends a message that has no answer, within a second.
  Task<void> send(std::string body);
  void send_soon(std::string body);
  void forget_session() noexcept;
  [[nodiscard]] net::HttpCallOptions make_request(std::string method, std::string body) const;

  Loop& loop_;
  net::HttpClient& client_;
  const McpServerConfig config_;
  LoopMutex beginning_;
  Gate background_;
  std::shared_ptr<CancelScope> listening_;
  std::string session_id_;   // empty: the server uses none, or there is no session
  std::string version_;      // as agreed; empty before that
  uint64_t generation_ = 0;  // how many sessions there have been
  int64_t last_id_ = 0;
  bool is_open_ = false;
  bool list_changed_ = false;
};

}  // namespace bobbin::tools
