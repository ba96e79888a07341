#pragma once

#include <string>
#include <string_view>

#include "proto_http/url.h"
#include "src/base/result.h"

namespace bobbin::upstream {

// Where one OpenAI-compatible server takes what.
struct Endpoints {
  std::string base;  // for people, logs and /health; without a slash at the end
  http::Url chat;    // …/chat/completions
  http::Url models;  // …/models
};

// The endpoints of `--upstream URL`: http or https, with or without `/v1`. A path that names a version anywhere (`/v1`,
// `/api/paas/v4`, `/v1beta/openai`) is taken as it is; to others `/v1` is added. A path that ends with
// `/chat/completions`, as people copy it from a manual, means the part before it.
// Errors: invalid for another scheme, no host, credentials in the URL (they would end up in logs), a query or a
// fragment.
Result<Endpoints> parse_upstream_url(std::string_view url);

}  // namespace bobbin::upstream
