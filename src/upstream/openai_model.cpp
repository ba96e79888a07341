#include "src/upstream/openai_model.h"

#include <algorithm>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/loop/deadline_scope.h"
#include "src/upstream/chat_request.h"
#include "src/upstream/delta_parser.h"
#include "src/upstream/model_ids.h"
#include "src/upstream/models_query.h"
#include "src/upstream/upstream_error.h"

namespace bobbin::upstream {
namespace {

// How long a refusal's body may take, and how much of it is read.
constexpr uint64_t kErrorBodyMs = 2'000;
constexpr size_t kErrorBodyBytesMax = 64 * 1024;
// After a finish reason, usage and `[DONE]` are waited for so long; some servers send neither and hold the connection.
constexpr uint64_t kAfterFinishMs = 3'000;
// After `[DONE]`, the end of the body is waited for so long, so that the connection can be used again.
constexpr uint64_t kLeftoverMs = 200;
constexpr size_t kLeftoverBytesMax = 64 * 1024;

// Nothing passes once the run has asked to stop, although the bytes that have come may hold more.
class StoppableSink final : public DeltaSink {
 public:
  StoppableSink(DeltaSink& sink, const CancelScope& scope) : sink_(sink), scope_(scope) {}
  void on_delta(const Delta& delta) noexcept override {
    if (!scope_.is_requested()) sink_.on_delta(delta);
  }
  void on_usage(const Usage& usage) noexcept override {
    if (!scope_.is_requested()) sink_.on_usage(usage);
  }

 private:
  DeltaSink& sink_;
  const CancelScope& scope_;
};

// The failure for `status`; `excerpt` gets what the body says.
Task<Error> read_refusal(net::HttpCall& call, DeadlineScope& limits, int32_t status, std::string& excerpt) {
  limits.end_in(kErrorBodyMs);
  std::string body;
  while (body.size() < kErrorBodyBytesMax) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece || piece->empty()) break;  // half of an explanation is better than none
    body.append(piece->substr(0, kErrorBodyBytesMax - body.size()));
  }
  excerpt = error_excerpt(body);
  co_return error_of_status(status);
}

// Some servers repeat the key that they refuse, also in parts (`sk-ab***yz`): only the whole key is a secret.
std::string without_key(std::string text, const std::string& key) {
  if (key.empty()) return text;
  constexpr std::string_view kMark = "[key]";
  for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + kMark.size()))
    text.replace(at, key.size(), kMark);
  return text;
}

// A wrong address often answers with a page of its own and status 200.
bool is_web_page(const http::ResponseHead& head) {
  const std::string_view type = head.find_header("Content-Type").value_or("");
  return http::equals_ignoring_case(type.substr(0, type.find_first_of("; \t")), "text/html");
}

// Waits for the head of an answer whose body is to be read. A head may be long, and reading the body may take minutes:
// so it goes with this frame.
Task<Result<void>> await_answer(net::HttpCall& call, DeadlineScope& limits, std::string& excerpt) {
  const Result<http::ResponseHead> head = co_await call.head();
  if (!head) co_return fail(error_of_network(head.error()));
  if (head->status() >= 300) co_return fail(co_await read_refusal(call, limits, head->status(), excerpt));
  if (is_web_page(*head))
    co_return fail(Code::upstream_rejected, head->status(), "the model's server answered with a web page");
  co_return Result<void>{};
}

// Reads the body to the end of the answer. Errors: why not; what came may still be whole.
Task<Result<void>> read_body(net::HttpCall& call, DeadlineScope& limits, DeltaParser& parser, const CancelScope& scope,
                             uint32_t idle_timeout_ms) {
  uint64_t progress = 0;
  limits.end_in(idle_timeout_ms);
  for (bool is_ending = false;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (scope.is_requested()) co_return fail(Code::cancelled);
    if (!piece) {
      if (piece.error().code == Code::cancelled)
        co_return fail(Code::upstream_timeout, 0, "the model's server went on without saying anything");
      co_return fail(error_of_network(piece.error()));
    }
    if (piece->empty()) co_return Result<void>{};
    CO_TRY(parser.feed(*piece));
    if (scope.is_requested()) co_return fail(Code::cancelled);
    if (parser.is_done()) break;
    if (parser.has_finish_reason() && !is_ending) limits.end_in(kAfterFinishMs);
    if (!parser.has_finish_reason() && parser.progress() != progress) limits.end_in(idle_timeout_ms);
    progress = parser.progress();
    is_ending = parser.has_finish_reason();
  }
  limits.end_in(kLeftoverMs);
  // The answer is whole: how this ends decides only whether the connection is kept.
  static_cast<void>(co_await call.drain(kLeftoverBytesMax));
  co_return Result<void>{};
}

}  // namespace

Result<std::string> clean_api_key(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const size_t from = text.find_first_not_of(kWhiteSpace);
  if (from == std::string_view::npos) return fail(Code::invalid, 0, "the API key of the model's server is empty");
  const std::string_view key = text.substr(from, text.find_last_not_of(kWhiteSpace) - from + 1);
  if (!std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return fail(Code::invalid, 0, "the API key of the model's server may only have visible ASCII characters");
  }
  return std::string(key);
}

OpenaiModel::OpenaiModel(Loop& loop, net::HttpClient& client, OpenaiModelOptions options)
    : loop_(loop), client_(client), options_(std::move(options)) {}

net::HttpCall OpenaiModel::make_call(const Prompt& prompt, CancelScope& scope) const {
  net::HttpCallOptions request{.method = "POST",
                               .url = options_.endpoints.chat,
                               .headers = {{"Content-Type", "application/json"},
                                           {"Accept", "text/event-stream, application/json"},
                                           {"User-Agent", "bobbin"}},
                               .body = "",
                               .connect_timeout_ms = options_.connect_timeout_ms,
                               .first_byte_timeout_ms = options_.first_byte_timeout_ms,
                               .idle_timeout_ms = options_.idle_timeout_ms};
  if (!options_.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + options_.api_key);
  const std::string& default_model = options_.model.empty() ? listed_model_ : options_.model;
  append_chat_request(request.body, prompt, prompt.model.empty() ? default_model : prompt.model);
  return {client_, std::move(request), scope};
}

Task<void> OpenaiModel::look_up_model(CancelScope& scope) {
  std::optional<Judgement> judgement =
      co_await query_models(loop_, client_, options_.endpoints.models, options_.api_key, scope);
  if (!judgement) co_return;  // asked again with the next prompt; this one may fare better than the query did
  has_looked_up_ = true;
  if (judgement->verdict != ProbeVerdict::usable) co_return;
  listed_model_ = std::move(judgement->model);
  log::info("model chosen", {{"url", options_.endpoints.base}, {"model", listed_model_}});
}

Task<Result<Answer>> OpenaiModel::exchange(Prompt& prompt, DeltaSink& sink, CancelScope& scope, std::string& excerpt) {
  DeadlineScope limits(loop_, scope);
  net::HttpCall call = make_call(prompt, limits.scope());
  prompt = Prompt();
  CO_TRY(co_await await_answer(call, limits, excerpt));
  StoppableSink stoppable(sink, scope);
  DeltaParser parser(stoppable);
  const Result<void> body = co_await read_body(call, limits, parser, scope, options_.idle_timeout_ms);
  Result<Answer> answer = parser.finish();
  excerpt = parser.error_excerpt();
  // An answer that is whole counts, however its connection ended; but not what somebody has stopped.
  if (!body && (!answer || body.error().code == Code::cancelled)) co_return fail(body.error());
  co_return answer;
}

Task<Result<Answer>> OpenaiModel::stream(Prompt prompt, DeltaSink& sink, CancelScope& scope) {
  metrics::add(metrics::Counter::upstream_requests);
  if (options_.use_first_listed && !has_looked_up_ && options_.model.empty() && prompt.model.empty())
    co_await look_up_model(scope);
  std::string excerpt;
  const bool is_aside = prompt.is_aside;  // exchange() empties the prompt
  Result<Answer> answer = co_await exchange(prompt, sink, scope, excerpt);
  if (!answer && scope.is_requested()) co_return fail(Code::cancelled);
  if (options_.health && (answer || !is_aside))
    options_.health->store(answer ? ServerHealth::answers : ServerHealth::fails);
  if (answer) co_return answer;
  if (!is_aside) metrics::add(metrics::Counter::upstream_errors);
  const Error& error = answer.error();
  log::write(is_aside ? log::Level::debug : log::Level::warn, "the model did not answer",
             {{"url", options_.endpoints.base},
              {"code", code_name(error.code)},
              {"number", error.number},
              {"detail", error.detail},
              {"said", without_key(std::move(excerpt), options_.api_key)}});
  co_return answer;
}

Task<Result<ModelList>> OpenaiModel::list_models(CancelScope& scope) {
  CO_TRY_ASSIGN(const ModelsAnswer answer,
                co_await fetch_models(loop_, client_, options_.endpoints.models, options_.api_key, scope));
  ModelList list;
  CO_TRY_ASSIGN(list.ids, parse_model_ids(answer.status, answer.body));
  // The one that a prompt would be sent with: what was looked up for one stays, whatever the server lists since.
  list.default_id = options_.model.empty() ? listed_model_ : options_.model;
  if (list.default_id.empty() && options_.use_first_listed)
    list.default_id = judge_models_answer(answer.status, answer.server, answer.body).model;
  co_return list;
}

ModelState OpenaiModel::state() const {
  const ServerHealth health = options_.health ? options_.health->load() : ServerHealth::unknown;
  const char* detail = "not asked yet";
  if (health == ServerHealth::answers) detail = "the last answer was good";
  if (health == ServerHealth::fails) detail = "the last request failed; the log says why";
  return {.language_model = true,
          .failing = health == ServerHealth::fails,
          .name = options_.name,
          .url = options_.endpoints.base,
          .model = options_.model.empty() ? listed_model_ : options_.model,
          .detail = detail};
}

}  // namespace bobbin::upstream
