#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto_http/url.h"
#include "src/loop/cancel.h"
#include "src/loop/loop.h"
#include "src/net/http_client.h"
#include "src/tools/answer_cache.h"
#include "src/tools/json_value.h"

namespace bobbin::tools {

struct IfixitConfig {
  http::Url url;        // the base, `…/api/2.0`
  std::string contact;  // goes into User-Agent, as iFixit asks; may be empty
};

inline constexpr std::string_view kIfixitUrl = "https://www.ifixit.com/api/2.0";

// What iFixit answered to one question.
struct IfixitAnswer {
  enum class Kind : uint8_t { found, not_found, failed } kind = Kind::failed;
  std::optional<JsonDocument> document;  // with Kind::found
  uint64_t stale_ms = 0;                 // with Kind::found: age of a cached copy that could not be checked; 0: current
  std::string sentence;                  // with Kind::failed: why, for the model
};

// Asks iFixit's public API politely: keeps answers for half an hour, then asks whether they have changed, tries a
// second time where that may help, and falls back to what it has kept. On one loop.
class IfixitClient {
 public:
  // `loop` and `client` outlive it.
  IfixitClient(Loop& loop, net::HttpClient& client, IfixitConfig config);

  // GET of the base URL and `path_and_query`, which is encoded already and begins with `/`.
  Task<IfixitAnswer> get(std::string path_and_query, CancelScope& scope);

  [[nodiscard]] const AnswerCache& cache() const noexcept { return cache_; }

  // iFixit's own caches keep answers as long.
  static constexpr uint64_t kFreshMs = 30 * 60 * 1000;
  // An old guide beats none, but not for ever.
  static constexpr uint64_t kStaleMs = 24 * 60 * 60 * 1000;
  static constexpr size_t kCacheBytes = size_t{4} * 1024 * 1024;
  // Device pages of 240 KB have been seen.
  static constexpr size_t kAnswerBytesMax = size_t{1024} * 1024;
  static constexpr uint32_t kTryMs = 5'000;
  static constexpr uint32_t kBackoffMs = 500;

 private:
  enum class Outcome : uint8_t { current, not_found, try_again, failed };
  // One request. `current`: the cache has the answer.
  Task<Outcome> ask(const std::string& path_and_query, CancelScope& scope, std::string& body, std::string& sentence);
  net::HttpCallOptions make_request(const std::string& path_and_query, const std::string& etag) const;

  Loop& loop_;
  net::HttpClient& client_;
  const IfixitConfig config_;
  AnswerCache cache_;
};

}  // namespace bobbin::tools
