#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto_http/response_parser.h"
#include "proto_http/url.h"
#include "src/auth/key_ring.h"
#include "src/auth/refresh_desk.h"
#include "src/loop/cancel.h"
#include "src/loop/offload.h"
#include "src/net/http_client.h"

namespace bobbin::auth {

// Whether `--jwks` names a URL rather than a file.
[[nodiscard]] bool is_jwks_url(std::string_view text) noexcept;
// Errors: invalid for what is no URL, and for http to another machine: whoever sits in between could sign in as
// anybody.
Result<http::Url> parse_jwks_url(std::string_view text);

// How long the keys of an answer are used before they are asked for again: `max-age` less `Age` (RFC 9111 §4.2), within
// kJwksAgeMinS and kJwksAgeMaxS; kJwksAgeS without.
[[nodiscard]] int64_t jwks_age_s(const http::ResponseHead& head);
inline constexpr int64_t kJwksAgeMinS = 5 * 60;
inline constexpr int64_t kJwksAgeS = 60 * 60;
inline constexpr int64_t kJwksAgeMaxS = 24 * 60 * 60;
// From asking to the end of the answer.
inline constexpr uint64_t kJwksFetchMs = 5'000;
// A failed fetch is repeated after 2, 4, 8 … seconds, at last every 5 minutes.
inline constexpr int64_t kJwksRetryFirstS = 2;
inline constexpr int64_t kJwksRetryMaxS = 5 * 60;

// Keeps a ring filled with the keys that a URL serves: fetched at start, then when they are old or a request asks at
// the desk. What is not a good answer (status 200, at most kJwksBytesMax, a key that can be used) changes nothing: the
// last good set stays, in memory and in the data directory. Redirects are not followed.
class JwksSource {
 public:
  // `ring` outlives the source. `directory` is the data directory.
  JwksSource(http::Url url, std::string directory, KeyRing& ring);
  JwksSource(const JwksSource&) = delete;
  JwksSource& operator=(const JwksSource&) = delete;
  ~JwksSource();

  // Starts from the last good set of this URL, if there is one. Blocks on disk; before run().
  void load_copy();

  // Fetches until `scope` asks, on the one loop that `client` belongs to. Call once. The source outlives the loop.
  Task<void> run(Loop& loop, net::HttpClient& client, BlockingPool& pool, CancelScope& scope);

  // Where requests wait for it.
  [[nodiscard]] RefreshDesk& desk() noexcept { return desk_; }

 private:
  class Pause;
  struct Answer;

  Task<Result<Answer>> fetch(Loop& loop, net::HttpClient& client, CancelScope& scope);
  Result<bool> take(std::string jwks);

  const http::Url url_;
  const std::string url_text_;
  const std::string directory_;
  KeyRing& ring_;
  RefreshDesk desk_;
  const std::unique_ptr<Pause> pause_;
  std::string current_;  // the set in use, as it came
};

}  // namespace bobbin::auth
