#pragma once

#include <optional>
#include <string>

#include "src/loop/cancel.h"
#include "src/loop/loop.h"
#include "src/net/http_client.h"
#include "src/upstream/local_probe.h"

namespace bobbin::upstream {

// What a server says to `GET …/models`, as it is.
struct ModelsAnswer {
  int32_t status = 0;
  std::string server;  // the header of that name; empty when absent
  std::string body;    // 1 MiB at most
};
// `api_key` is sent where it is not empty. Errors: upstream_unavailable, upstream_rejected (no HTTP, or more than 1
// MiB), upstream_timeout (3 s without an end), cancelled.
Task<Result<ModelsAnswer>> fetch_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                        CancelScope& scope);

// Asks `GET …/models` at `url` and judges the answer; nullopt when none came, for any of the reasons above.
Task<std::optional<Judgement>> query_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                            CancelScope& scope);

}  // namespace bobbin::upstream
