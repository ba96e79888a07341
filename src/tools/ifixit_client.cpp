#include "src/tools/ifixit_client.h"

#include "src/loop/deadline_scope.h"
#include "src/loop/sleep.h"
#include "src/tools/fetch.h"

namespace bobbin::tools {
namespace {

constexpr size_t kEtagBytesMax = 256;

bool may_pass(int status) noexcept { return status == 408 || status == 429 || status >= 500; }

}  // namespace

IfixitClient::IfixitClient(Loop& loop, net::HttpClient& client, IfixitConfig config)
    : loop_(loop), client_(client), config_(std::move(config)), cache_(kCacheBytes) {}

net::HttpCallOptions IfixitClient::make_request(const std::string& path_and_query, const std::string& etag) const {
  http::Url url = config_.url;
  const size_t question = path_and_query.find('?');
  if (url.path.ends_with('/')) url.path.pop_back();
  url.path += path_and_query.substr(0, question);
  if (question != std::string::npos) url.query = path_and_query.substr(question + 1);
  net::HttpCallOptions request{
      .method = "GET",
      .url = std::move(url),
      .headers = {{"Accept", "application/json"},
                  {"User-Agent", config_.contact.empty() ? "bobbin" : "bobbin (" + config_.contact + ")"}},
      .body = ""};
  if (!etag.empty()) request.headers.emplace_back("If-None-Match", etag);
  return request;
}

Task<IfixitClient::Outcome> IfixitClient::ask(const std::string& path_and_query, CancelScope& scope, std::string& body,
                                              std::string& sentence) {
  const AnswerCache::Entry* known = cache_.find(path_and_query);
  DeadlineScope limits(loop_, scope);
  limits.end_in(kTryMs);
  const Result<Fetched> fetched =
      co_await fetch(client_, make_request(path_and_query, known != nullptr ? known->etag : std::string()),
                     kAnswerBytesMax, limits.scope());
  if (!fetched) {
    const bool is_late = limits.scope().is_requested() && !scope.is_requested();
    sentence = "iFixit " + (is_late ? "did not answer in time" : explain_network(fetched.error())) + '.';
    co_return scope.is_requested() ? Outcome::failed : Outcome::try_again;
  }
  const int status = fetched->status();
  if (status == 304) {
    AnswerCache::Entry* entry = cache_.find(path_and_query);
    sentence = "iFixit gave an answer that is not understood.";
    if (entry == nullptr) co_return Outcome::failed;
    entry->checked_ms = loop_.now_ms();
    body = entry->body;
    co_return Outcome::current;
  }
  if (status == 404) co_return Outcome::not_found;
  if (status != 200) {
    sentence = status == 429 ? "iFixit asks to wait before the next question."
                             : "iFixit refused with status " + std::to_string(status) + '.';
    co_return may_pass(status) && status != 429 ? Outcome::try_again : Outcome::failed;
  }
  if (fetched->is_cut) {
    sentence = "iFixit's answer is too large.";
    co_return Outcome::failed;
  }
  body = fetched->body;
  std::string etag(fetched->head.find_header("ETag").value_or(""));
  if (etag.size() > kEtagBytesMax) etag.clear();
  if (JsonDocument::parse(body)) {  // what is not understood is not worth keeping
    cache_.put({.key = path_and_query, .body = body, .etag = std::move(etag), .checked_ms = loop_.now_ms()});
  }
  co_return Outcome::current;
}

Task<IfixitAnswer> IfixitClient::get(std::string path_and_query, CancelScope& scope) {
  IfixitAnswer answer;
  const AnswerCache::Entry* known = cache_.find(path_and_query);
  std::string body;
  auto outcome = Outcome::current;
  if (known != nullptr && loop_.now_ms() - known->checked_ms < kFreshMs) {
    body = known->body;
  } else {
    outcome = co_await ask(path_and_query, scope, body, answer.sentence);
    if (outcome == Outcome::try_again) {
      SleepOp backoff(loop_, scope, kBackoffMs);
      if (co_await backoff.run()) outcome = co_await ask(path_and_query, scope, body, answer.sentence);
    }
  }
  if (outcome == Outcome::not_found) {
    answer.kind = IfixitAnswer::Kind::not_found;
    co_return answer;
  }
  if (outcome != Outcome::current) {
    known = cache_.find(path_and_query);
    if (known == nullptr || loop_.now_ms() - known->checked_ms >= kStaleMs) co_return answer;
    body = known->body;
    answer.stale_ms = loop_.now_ms() - known->checked_ms;
  }
  Result<JsonDocument> document = JsonDocument::parse(body);
  if (!document) {
    answer.sentence = "iFixit gave an answer that is not understood.";
    co_return answer;
  }
  answer.kind = IfixitAnswer::Kind::found;
  answer.document = std::move(*document);
  co_return answer;
}

}  // namespace bobbin::tools
