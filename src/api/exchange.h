#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/auth/jwt.h"
#include "src/base/result.h"
#include "src/loop/task.h"
#include "src/net/request.h"
#include "src/net/responder.h"

namespace bobbin::api {

struct Services;

// One request on its way through a handler, in the frame of the coroutine that serves it.
struct Exchange {
  net::Request request;
  net::Responder responder;
  net::HeaderList common_headers;            // of every answer to this request: CORS, and what is only for HTTPS
  std::string client;                        // address of who sent it, as find_client() says: for limits and logs
  std::optional<uint32_t> rate_remaining{};  // of the bucket that has the least left, once one was asked
  bool is_https = false;                     // the client's way to us, or to the first proxy, is encrypted
  auth::Identity identity;                   // of the verified token; empty on routes that need none
  std::vector<std::string> captured;         // decoded path segments where the route has {…}, UTF-8
};

// What a handler gives back: an answer, or nullopt when it has begun to answer by the responder itself.
using Answer = std::optional<net::Response>;
using Handler = Task<Result<Answer>> (*)(Services& services, Exchange& exchange);

// A JSON answer.
[[nodiscard]] inline net::Response json_response(std::string body, uint16_t status = 200) {
  return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

// Reading the query. Errors: malformed (escapes, repeated names, not UTF-8).
Result<std::optional<std::string>> text_parameter(const Exchange& exchange, std::string_view name);
// Errors also: invalid unless a number of 1..`limit_max`.
Result<std::optional<uint32_t>> limit_parameter(const Exchange& exchange, uint32_t limit_max);

// Errors: invalid unless `text` can be a thread id (1..128 bytes without control characters). Requires UTF-8.
Result<void> check_thread_id(std::string_view text);

}  // namespace bobbin::api
