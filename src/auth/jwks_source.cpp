#include "src/auth/jwks_source.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "proto_http/headers.h"
#include "src/auth/jwks.h"
#include "src/auth/jwks_copy.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/loop/completion.h"
#include "src/loop/deadline_scope.h"
#include "src/net/address.h"

namespace bobbin::auth {
namespace {

std::optional<int64_t> parse_seconds(std::string_view text) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return kJwksAgeMaxS;
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}

std::optional<int64_t> max_age_s(std::string_view cache_control) {
  constexpr std::string_view kName = "max-age=";
  while (!cache_control.empty()) {
    const size_t comma = std::min(cache_control.find(','), cache_control.size());
    const std::string_view directive = http::trim_white_space(cache_control.substr(0, comma));
    if (directive.size() > kName.size() && http::equals_ignoring_case(directive.substr(0, kName.size()), kName))
      return parse_seconds(directive.substr(kName.size()));
    cache_control.remove_prefix(std::min(comma + 1, cache_control.size()));
  }
  return std::nullopt;
}

// Writes the copy on a thread that may block.
class SaveJob final : public BlockingJob {
 public:
  SaveJob(const std::string& directory, std::string_view url, std::string_view jwks)
      : directory_(directory), url_(url), jwks_(jwks) {}
  [[nodiscard]] const Result<void>& result() const noexcept { return result_; }

 private:
  void work() noexcept override { result_ = save_jwks_copy(directory_, url_, jwks_); }

  const std::string& directory_;
  const std::string_view url_;
  const std::string_view jwks_;
  Result<void> result_;
};

Task<void> save(Loop& loop, BlockingPool& pool, const std::string& directory, std::string_view url,
                std::string_view jwks) {
  SaveJob job(directory, url, jwks);
  const Result<void> ran = co_await job.run(pool, loop);
  const Result<void>& saved = ran ? job.result() : ran;
  if (!saved) {
    log::warn("the JWKS cannot be kept for the next start",
              {{"why", saved.error().detail}, {"number", saved.error().number}});
  }
}

}  // namespace

bool is_jwks_url(std::string_view text) noexcept { return text.find("://") != std::string_view::npos; }

Result<http::Url> parse_jwks_url(std::string_view text) {
  TRY_ASSIGN(http::Url url, http::parse_url(text));
  if (!url.tls && !net::is_loopback_host(url.host))
    return fail(Code::invalid, 0, "a JWKS is fetched over https, or over http from this machine");
  return url;
}

int64_t jwks_age_s(const http::ResponseHead& head) {
  const std::optional<int64_t> max_age = max_age_s(head.find_header("Cache-Control").value_or(""));
  if (!max_age) return kJwksAgeS;
  const int64_t age = parse_seconds(head.find_header("Age").value_or("")).value_or(0);
  return std::clamp(*max_age - age, kJwksAgeMinS, kJwksAgeMaxS);
}

// The time between two fetches: until one is due, somebody asks at the desk, or all ends.
class JwksSource::Pause final : public Mail, private Timer, private CancelHook {
 public:
  explicit Pause(RefreshDesk& desk) : desk_(desk) {}

  Task<void> run(Loop& loop, CancelScope& scope, int64_t seconds) {
    // Who asked while no pause was on has been delivered already.
    if (scope.is_requested() || desk_.is_asked()) co_return;
    ended_.reset();
    is_on_ = true;
    arm(loop.timers(), loop.now_ms() + static_cast<uint64_t>(seconds) * 1000);
    watch(scope);
    co_await ended_;
  }

 private:
  void deliver() noexcept override {
    desk_.on_woken();
    end();
  }
  void on_timer() noexcept override { end(); }
  void on_cancel() noexcept override { end(); }
  void end() noexcept {
    if (!is_on_) return;
    is_on_ = false;
    disarm();
    unwatch();
    ended_.complete();
  }

  RefreshDesk& desk_;
  Completion ended_;
  bool is_on_ = false;
};

struct JwksSource::Answer {
  std::string jwks;
  int64_t age_s;
};

JwksSource::JwksSource(http::Url url, std::string directory, KeyRing& ring)
    : url_(std::move(url)),
      url_text_((url_.tls ? "https://" : "http://") + url_.authority() + url_.target()),
      directory_(std::move(directory)),
      ring_(ring),
      pause_(std::make_unique<Pause>(desk_)) {}

JwksSource::~JwksSource() = default;

void JwksSource::load_copy() {
  Result<std::string> copy = load_jwks_copy(directory_, url_text_);
  if (!copy && copy.error().code == Code::not_found) return;
  const Result<bool> taken = copy ? take(std::move(*copy)) : fail(copy.error());
  if (!taken) {
    log::warn("the JWKS of the last run cannot be used",
              {{"why", taken.error().detail}, {"number", taken.error().number}});
  }
}

Task<void> JwksSource::run(Loop& loop, net::HttpClient& client, BlockingPool& pool, CancelScope& scope) {
  int64_t retry_s = kJwksRetryFirstS;
  desk_.open(loop.mailbox(), *pause_);
  while (!scope.is_requested()) {
    desk_.begin_fetch();
    Result<Answer> answer = co_await fetch(loop, client, scope);
    const Result<bool> taken = answer ? take(std::move(answer->jwks)) : fail(answer.error());
    desk_.end_fetch();
    if (scope.is_requested()) break;
    int64_t pause_s = 0;
    if (taken) {
      metrics::add(metrics::Counter::jwks_fetches);
      retry_s = kJwksRetryFirstS;
      pause_s = answer->age_s;
      if (*taken) co_await save(loop, pool, directory_, url_text_, current_);
    } else {
      metrics::add(metrics::Counter::jwks_fetch_failures);
      pause_s = retry_s;
      retry_s = std::min(2 * retry_s, kJwksRetryMaxS);
      log::warn("the JWKS cannot be fetched; the last good one stays", {{"host", url_.authority()},
                                                                        {"why", taken.error().detail},
                                                                        {"number", taken.error().number},
                                                                        {"keys", ring_.keys()->size()},
                                                                        {"again_in_s", pause_s}});
    }
    co_await pause_->run(loop, scope, pause_s);
  }
  desk_.close();
}

Task<Result<JwksSource::Answer>> JwksSource::fetch(Loop& loop, net::HttpClient& client, CancelScope& scope) {
  DeadlineScope limits(loop, scope);
  limits.end_in(kJwksFetchMs);
  net::HttpCallOptions request{
      .method = "GET",
      .url = url_,
      .headers = {{"User-Agent", "bobbin"}, {"Accept", "application/jwk-set+json, application/json"}},
      .body = ""};
  // Any policy keeps the call off proxies: what is on this machine is asked directly.
  if (!url_.tls) request.address_policy = net::is_any_address;
  net::HttpCall call(client, std::move(request), limits.scope());
  const auto failure = [&scope](const Error& error) {
    if (error.code != Code::cancelled || scope.is_requested()) return fail(error);
    return fail(Code::timeout, 0, "no whole answer within 5 seconds");
  };
  const Result<http::ResponseHead> head = co_await call.head();
  if (!head) co_return failure(head.error());
  if (head->status() != 200) co_return fail(Code::invalid, head->status(), "the answer's status is not 200");
  Answer answer{.jwks = "", .age_s = jwks_age_s(*head)};
  for (;;) {
    const Result<std::string_view> piece = co_await call.read();
    if (!piece) co_return failure(piece.error());
    if (piece->empty()) co_return answer;
    answer.jwks.append(*piece);
    if (answer.jwks.size() > kJwksBytesMax) co_return fail(Code::too_large, 0, "the answer is larger than 256 KiB");
  }
}

// True when it is another set than the one in use.
Result<bool> JwksSource::take(std::string jwks) {
  if (jwks == current_) return false;
  TRY_ASSIGN(KeySet keys, parse_jwks(jwks));
  replace_keys(ring_, std::move(keys));
  current_ = std::move(jwks);
  return true;
}

}  // namespace bobbin::auth
