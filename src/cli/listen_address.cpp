#include "src/cli/listen_address.h"

#include <charconv>

namespace bobbin::cli {

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto refuse = [] { return fail(Code::invalid, 0, "expected HOST:PORT, such as 127.0.0.1:8787 or [::1]:8787"); };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();  // an IPv6 address without brackets: where would the port begin?
  }
  ListenAddress address{.host = std::string(host)};
  const char* end = port_text.data() + port_text.size();
  const auto [at, error] = std::from_chars(port_text.data(), end, address.port);
  if (host.empty() || port_text.empty() || error != std::errc() || at != end) return refuse();
  return address;
}

}  // namespace bobbin::cli
