#include "src/upstream/models_query.h"

#include "src/loop/deadline_scope.h"
#include "src/upstream/upstream_error.h"

namespace bobbin::upstream {
namespace {

// A server that lists its models slower than this would not be pleasant to chat with.
constexpr uint64_t kQueryMs = 3'000;
constexpr size_t kModelsBytesMax = 1024 * 1024;

}  // namespace

Task<Result<ModelsAnswer>> fetch_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                        CancelScope& scope) {
  DeadlineScope limits(loop, scope);
  limits.end_in(kQueryMs);
  net::HttpCallOptions request{
      .method = "GET", .url = std::move(url), .headers = {{"User-Agent", "bobbin"}}, .body = ""};
  if (!api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + api_key);
  net::HttpCall call(client, std::move(request), limits.scope());
  const auto failure = [&scope](const Error& error) {
    if (error.code != Code::cancelled || scope.is_requested()) return fail(error_of_network(error));
    return fail(Code::upstream_timeout, 0, "the model's server is slow to list its models");
  };
  const Result<http::ResponseHead> head = co_await call.head();
  if (!head) co_return failure(head.error());
  ModelsAnswer answer{
      .status = head->status(), .server = std::string(head->find_header("server").value_or("")), .body = ""};
  for (;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece) co_return failure(piece.error());
    if (answer.body.size() + piece->size() > kModelsBytesMax)
      co_return fail(Code::upstream_rejected, answer.status, "the model's server lists too many models");
    if (piece->empty()) co_return answer;
    answer.body.append(*piece);
  }
}

Task<std::optional<Judgement>> query_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                            CancelScope& scope) {
  const Result<ModelsAnswer> answer = co_await fetch_models(loop, client, std::move(url), std::move(api_key), scope);
  if (!answer) co_return std::nullopt;
  co_return judge_models_answer(answer->status, answer->server, answer->body);
}

}  // namespace bobbin::upstream
