#include "src/tools/mcp_session.h"

#include <algorithm>
#include <utility>

#include "src/base/json.h"
#include "src/base/log.h"
#include "src/loop/deadline_scope.h"
#include "src/loop/sleep.h"
#include "src/loop/spawn.h"
#include "src/tools/clip.h"
#include "src/tools/mcp_message.h"

namespace bobbin::tools {
namespace {

// Messages that nobody waits for, in flight at a time.
constexpr size_t kBackgroundMax = 32;
constexpr uint64_t kSendMs = 1'000;
// How often, and how soon, a cut stream is asked for again.
constexpr int kResumesMax = 5;
constexpr uint64_t kResumeMs = 500;
constexpr uint64_t kResumeMsMax = 5'000;
// The same for the stream that stays open.
constexpr uint64_t kListenAgainMs = 1'000;
constexpr uint64_t kListenAgainMsMax = 60'000;
constexpr uint32_t kListenIdleMs = 24 * 3600 * 1000;

}  // namespace

class McpSession::Listener final : public McpListener {
 public:
  Listener(McpSession& session, int64_t token, ToolProgress* progress)
      : session_(session), token_(token), progress_(progress) {}

  void on_notification(std::string_view method, const JsonValue& params) noexcept override {
    if (method == "notifications/tools/list_changed") {
      session_.list_changed_ = true;
    } else if (method == "notifications/progress" && progress_ != nullptr &&
               params["progressToken"].integer() == token_) {
      progress_->on_status(without_secrets(mcp_progress_line(params), session_.config_.headers.secrets));
    }
  }
  void on_reply_due(std::string reply) noexcept override { session_.send_soon(std::move(reply)); }

 private:
  McpSession& session_;
  const int64_t token_;
  ToolProgress* const progress_;
};

McpSession::McpSession(Loop& loop, net::HttpClient& client, McpServerConfig config)
    : loop_(loop), client_(client), config_(std::move(config)) {}

net::HttpCallOptions McpSession::make_request(std::string method, std::string body) const {
  net::HttpCallOptions request{.method = std::move(method),
                               .url = config_.url,
                               .headers = config_.headers.fields,
                               .body = std::move(body),
                               .first_byte_timeout_ms = config_.limits.timeout_ms,
                               .idle_timeout_ms = config_.limits.timeout_ms,
                               .address_policy = config_.allow_private ? net::is_any_address : net::is_public_address};
  const bool is_post = request.method == "POST";
  request.headers.emplace_back("Accept", is_post ? "application/json, text/event-stream" : "text/event-stream");
  if (is_post) request.headers.emplace_back("Content-Type", "application/json");
  if (!version_.empty()) request.headers.emplace_back("MCP-Protocol-Version", version_);
  if (!session_id_.empty()) request.headers.emplace_back("Mcp-Session-Id", session_id_);
  return request;
}

void McpSession::forget_session() noexcept {
  is_open_ = false;
  session_id_.clear();
  version_.clear();
  list_changed_ = true;
  // Whoever is woken may look at this session.
  if (const std::shared_ptr<CancelScope> scope = std::move(listening_)) scope->request();
}

Task<McpAnswer> McpSession::begin(CancelScope& scope) {
  LockOp lock(beginning_, scope);
  if (const Result<void> locked = co_await lock.run(); !locked)
    co_return McpAnswer{.sentence = "is waited for by too many calls"};
  if (is_open_) co_return McpAnswer{.kind = McpAnswer::Kind::accepted};
  session_id_.clear();
  version_.clear();
  McpAnswer answer = co_await initialize(scope);
  if (answer.kind != McpAnswer::Kind::accepted) {
    session_id_.clear();
    version_.clear();
  }
  co_return answer;
}

Task<McpAnswer> McpSession::initialize(CancelScope& scope) {
  const int64_t id = next_id();
  Listener listener(*this, id, nullptr);
  McpAnswer answer = co_await mcp_exchange(
      client_, make_request("POST", mcp_request(id, "initialize", mcp_initialize_params())), id, listener, scope);
  if (answer.kind != McpAnswer::Kind::result) co_return answer;
  const JsonValue result = answer.message["result"];
  if (!is_known_mcp_version(result["protocolVersion"].text())) {
    co_return McpAnswer{.sentence = "speaks version \"" + std::string(result["protocolVersion"].text()) +
                                    "\" of the protocol, which is not known here"};
  }
  version_ = result["protocolVersion"].text();
  session_id_ = answer.session_id;
  const bool tells_changes = result["capabilities"]["tools"]["listChanged"].boolean().value_or(false);
  McpAnswer taken = co_await mcp_exchange(
      client_, make_request("POST", mcp_notification("notifications/initialized", "")), 0, listener, scope);
  if (taken.kind != McpAnswer::Kind::accepted && taken.kind != McpAnswer::Kind::cut) co_return taken;
  is_open_ = true;
  ++generation_;
  if (tells_changes && !background_.is_closing()) {
    listening_ = std::make_shared<CancelScope>();
    spawn(background_, listen(listening_));
  }
  co_return McpAnswer{.kind = McpAnswer::Kind::accepted};
}

Task<McpAnswer> McpSession::request(Request request, CancelScope& scope) {
  for (bool is_second = false;; is_second = true) {
    McpAnswer begun = co_await begin(scope);
    if (begun.kind != McpAnswer::Kind::accepted) co_return begun;
    const uint64_t generation = generation_;
    McpAnswer answer = co_await exchange(request, scope);
    if (answer.kind == McpAnswer::Kind::session_lost) {
      if (generation == generation_ && is_open_) forget_session();
      if (!is_second && !scope.is_requested()) continue;
    }
    if (scope.is_requested() && answer.kind != McpAnswer::Kind::result) {
      std::string params;
      json::Object fields(params);
      fields.number("requestId", request.id).field("reason", "the user or the server ended it");
      fields.close();
      send_soon(mcp_notification("notifications/cancelled", params));
    }
    co_return answer;
  }
}

Task<McpAnswer> McpSession::exchange(const Request& request, CancelScope& scope) {
  Listener listener(*this, request.id, request.progress);
  net::HttpCallOptions post = make_request("POST", mcp_request(request.id, request.method, request.params));
  post.once = request.once;
  McpAnswer answer = co_await mcp_exchange(client_, std::move(post), request.id, listener, scope);
  for (int resumes = 0; answer.kind == McpAnswer::Kind::cut && !answer.last_event_id.empty(); ++resumes) {
    if (resumes >= kResumesMax || scope.is_requested()) break;
    SleepOp pause(loop_, scope, std::min(answer.retry_ms.value_or(kResumeMs), kResumeMsMax));
    if (!co_await pause.run()) break;
    net::HttpCallOptions get = make_request("GET", "");
    get.headers.emplace_back("Last-Event-ID", answer.last_event_id);
    answer = co_await mcp_exchange(client_, std::move(get), request.id, listener, scope);
  }
  // The request has been taken and may be under way: a session that is lost only now is no reason to repeat it.
  co_return answer;
}

Task<void> McpSession::listen(std::shared_ptr<CancelScope> scope) {
  Listener listener(*this, 0, nullptr);
  std::string last_event_id;
  uint64_t pause_ms = kListenAgainMs;
  while (!scope->is_requested()) {
    net::HttpCallOptions get = make_request("GET", "");
    get.idle_timeout_ms = kListenIdleMs;
    if (!last_event_id.empty()) get.headers.emplace_back("Last-Event-ID", last_event_id);
    const McpAnswer answer = co_await mcp_exchange(client_, std::move(get), 0, listener, *scope);
    if (scope->is_requested()) co_return;
    // A session that is lost is found so by the next request; 405 and the like: not offered.
    if (answer.kind != McpAnswer::Kind::cut) co_return;
    last_event_id = answer.last_event_id;
    pause_ms = answer.status == 0 ? std::min(pause_ms * 2, kListenAgainMsMax)
                                  : std::max(answer.retry_ms.value_or(0), kListenAgainMs);
    SleepOp pause(loop_, *scope, pause_ms);
    if (!co_await pause.run()) co_return;
  }
}

Task<void> McpSession::send(std::string body) {
  CancelScope scope;
  DeadlineScope limits(loop_, scope);
  limits.end_in(kSendMs);
  Listener listener(*this, 0, nullptr);
  // Best effort: what the server makes of it changes nothing here.
  static_cast<void>(co_await mcp_exchange(client_, make_request("POST", std::move(body)), 0, listener, limits.scope()));
}

void McpSession::send_soon(std::string body) {
  if (!background_.is_closing() && background_.count() < kBackgroundMax) spawn(background_, send(std::move(body)));
}

Task<void> McpSession::close() {
  if (listening_) listening_->request();
  co_await background_.close();
  if (!is_open_ || session_id_.empty()) co_return;
  CancelScope scope;
  DeadlineScope limits(loop_, scope);
  limits.end_in(kSendMs);
  net::HttpCall call(client_, make_request("DELETE", ""), limits.scope());
  static_cast<void>(co_await call.head());  // some servers answer 405: sessions end by age there
}

}  // namespace bobbin::tools
