#include "src/upstream/models_query.h"

#include "src/loop/deadline_scope.h"

namespace bobbin::upstream {
namespace {

// A server that lists its models slower than this would not be pleasant to chat with.
constexpr uint64_t kQueryMs = 3'000;
constexpr size_t kModelsBytesMax = 1024 * 1024;

}  // namespace

Task<std::optional<Judgement>> query_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                            CancelScope& scope) {
  DeadlineScope limits(loop, scope);
  limits.end_in(kQueryMs);
  net::HttpCallOptions request{
      .method = "GET", .url = std::move(url), .headers = {{"User-Agent", "bobbin"}}, .body = ""};
  if (!api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + api_key);
  net::HttpCall call(client, std::move(request), limits.scope());
  const Result<http::ResponseHead> head = co_await call.head();
  if (!head) co_return std::nullopt;
  std::string body;
  for (;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece || body.size() + piece->size() > kModelsBytesMax) co_return std::nullopt;
    if (piece->empty()) break;
    body.append(*piece);
  }
  co_return judge_models_answer(head->status(), head->find_header("server").value_or(""), body);
}

}  // namespace bobbin::upstream
