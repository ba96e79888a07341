#include "src/tools/mcp_server.h"

#include <algorithm>
#include <set>

#include "src/base/json.h"
#include "src/base/log.h"
#include "src/tools/clip.h"
#include "src/tools/mcp_content.h"

namespace bobbin::tools {
namespace {

// What a server says, for people and the model. First the secrets: half of one would not be known again.
std::string said(std::string sentence, const McpServerConfig& config) {
  return to_excerpt(without_secrets(std::move(sentence), config.headers.secrets));
}

// One tool of a server. Keeps the session, also when a later list does not have the tool any more.
class McpTool final : public Tool {
 public:
  McpTool(std::shared_ptr<McpSession> session, ToolSpec spec, std::string server_side_name)
      : session_(std::move(session)), spec_(std::move(spec)), server_side_name_(std::move(server_side_name)) {}

  [[nodiscard]] const ToolSpec& spec() const noexcept override { return spec_; }
  [[nodiscard]] ToolLimits limits() const noexcept override { return session_->config().limits; }

  Task<ToolResult> call(const JsonDocument& arguments, ToolProgress& progress, CancelScope& scope) override {
    const McpServerConfig& config = session_->config();
    progress.on_status("Calling " + spec_.name + " of " + config.name + "...");
    const int64_t id = session_->next_id();
    std::string params;
    json::Object fields(params);
    fields.field("name", server_side_name_);
    fields.key("arguments").append(arguments.source());
    json::Object meta(fields.key("_meta"));
    meta.number("progressToken", id);
    meta.close();
    fields.close();
    const McpAnswer answer = co_await session_->request(
        {.id = id, .method = "tools/call", .params = std::move(params), .once = true, .progress = &progress}, scope);
    if (answer.kind != McpAnswer::Kind::result)
      co_return tool_error("The server \"" + config.name + "\" " + said(answer.sentence, config) + '.');
    ToolResult result = read_mcp_result(answer.message["result"], spec_.name);
    result.content = without_secrets(std::move(result.content), config.headers.secrets);
    if (result.is_error) result.summary = to_excerpt(result.content);
    co_return result;
  }

 private:
  const std::shared_ptr<McpSession> session_;
  const ToolSpec spec_;
  const std::string server_side_name_;
};

}  // namespace

McpServer::McpServer(Loop& loop, net::HttpClient& client, McpServerConfig config)
    : loop_(loop), session_(std::make_shared<McpSession>(loop, client, std::move(config))) {}

Task<void> McpServer::refresh(CancelScope& scope) {
  LockOp lock(refreshing_, scope);
  if (!co_await lock.run()) co_return;
  if (session_->take_list_changed()) wants_list_ = true;
  const bool is_old = !has_list_ || loop_.now_ms() - fetched_ms_ >= kListAgeMs;
  if ((!wants_list_ && !is_old) || loop_.now_ms() < not_before_ms_) co_return;
  const uint64_t begun_ms = loop_.now_ms();
  const std::string why = said(co_await fetch_list(scope), session_->config());
  if (why.empty()) {
    has_list_ = true;
    wants_list_ = false;
    fetched_ms_ = loop_.now_ms();
    not_before_ms_ = fetched_ms_ + kPauseMs;
    log::info("an MCP server has listed its tools", {{"server", name()}, {"tools", tools_.size()}});
    co_return;
  }
  // Whoever stops their own run at once says nothing about the server.
  if (scope.is_requested() && loop_.now_ms() - begun_ms < kPatienceMs) co_return;
  not_before_ms_ = loop_.now_ms() + kRetryMs;
  log::warn("an MCP server did not list its tools", {{"server", name()}, {"why", why}});
}

Task<std::string> McpServer::fetch_list(CancelScope& scope) {
  std::vector<std::shared_ptr<Tool>> tools;
  std::string params = "{}";
  for (size_t page = 0; page < kPagesMax; ++page) {
    const McpAnswer answer =
        co_await session_->request({.id = session_->next_id(), .method = "tools/list", .params = params}, scope);
    if (answer.kind != McpAnswer::Kind::result) co_return answer.sentence.empty() ? "failed" : answer.sentence;
    const JsonValue result = answer.message["result"];
    add_tools(result["tools"], tools);
    const std::string_view cursor = result["nextCursor"].text();
    if (cursor.empty() || tools.size() >= kToolsMax) break;
    params.clear();
    json::Object fields(params);
    fields.field("cursor", cursor);
    fields.close();
  }
  tools_ = std::move(tools);
  co_return std::string();
}

void McpServer::add_tools(const JsonValue& page, std::vector<std::shared_ptr<Tool>>& tools) const {
  for (const JsonValue& value : page.items()) {
    if (tools.size() >= kToolsMax) return;
    const std::string_view server_side_name = value["name"].text();
    if (server_side_name.empty() || server_side_name.size() > 256) continue;
    ToolSpec spec{.name = upstream::to_tool_name(server_side_name),
                  .description = std::string(cut_text(value["description"].text(), kDescriptionBytesMax)),
                  .parameters = value["inputSchema"].is_object() ? value["inputSchema"].to_json() : std::string()};
    const bool is_known = std::any_of(
        tools.begin(), tools.end(), [&](const std::shared_ptr<Tool>& tool) { return tool->spec().name == spec.name; });
    if (is_known || spec.parameters.size() > kSchemaBytesMax) {
      log::warn("a tool of an MCP server is left out",
                {{"server", name()},
                 {"tool", to_status_line(server_side_name)},
                 {"why", is_known ? "another has its name" : "its schema is too large"}});
      continue;
    }
    tools.push_back(std::make_shared<McpTool>(session_, std::move(spec), std::string(server_side_name)));
  }
}

Task<void> McpServer::close() { co_await session_->close(); }

}  // namespace bobbin::tools
