#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace bobbin::cli {

struct ListenAddress {
  std::string host;  // without brackets
  uint16_t port = 0;
};

// `127.0.0.1:8787`, `localhost:0`, `[::1]:8787`. Errors: invalid.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace bobbin::cli
