#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/task.h"
#include "src/net/http_client.h"

namespace bobbin::tools {

// An answer read to its end, or to the bound.
struct Fetched {
  http::ResponseHead head;
  std::string body;     // any bytes
  bool is_cut = false;  // there was more than the bound

  [[nodiscard]] int status() const noexcept { return head.status(); }
  // Of Content-Type, without parameters; empty when there is none.
  [[nodiscard]] std::string_view media_type() const noexcept;
};

// One exchange with at most `body_bytes_max` of its body. Errors: those of HttpCall.
Task<Result<Fetched>> fetch(net::HttpClient& client, net::HttpCallOptions request, size_t body_bytes_max,
                            CancelScope& scope);

// What went wrong with an exchange, as the rest of a sentence that begins with the server's name: "could not be
// reached: connection refused".
[[nodiscard]] std::string explain_network(const Error& error);

}  // namespace bobbin::tools
