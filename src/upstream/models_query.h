#pragma once

#include <optional>
#include <string>

#include "src/loop/cancel.h"
#include "src/loop/loop.h"
#include "src/net/http_client.h"
#include "src/upstream/local_probe.h"

namespace bobbin::upstream {

// Asks `GET …/models` at `url` and judges the answer; nullopt when none came: no connection, a cut, 3 s without an end.
// `api_key` is sent where it is not empty.
Task<std::optional<Judgement>> query_models(Loop& loop, net::HttpClient& client, http::Url url, std::string api_key,
                                            CancelScope& scope);

}  // namespace bobbin::upstream
