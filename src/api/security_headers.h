#pragma once

#include <span>
#include <string_view>

#include "proto_http/headers.h"
#include "src/net/responder.h"

namespace bobbin::api {

// What tells browsers to treat every answer as data: nothing in it runs, is framed, or is read by other sites' pages
// without CORS. A page has fields of its own where it needs more (append_page_headers). Lives as long as the process.
[[nodiscard]] std::span<const http::HeaderField> security_fields() noexcept;

// For an HTML page and its parts: what it may load, all of it from here; and what of the device it may use, nothing.
void append_page_headers(net::HeaderList& headers);

// Whether a browser may be told never to call `host` (as in the Host field) without encryption: it then does so for
// every port and service of that name, for a year. So only a name of the public DNS, not an address, `localhost` or a
// name of somebody's own network, where other services live at the same name.
[[nodiscard]] bool may_insist_on_https(std::string_view host) noexcept;

// Strict-Transport-Security (RFC 6797). Only over HTTPS, for a host that may_insist_on_https().
void append_hsts(net::HeaderList& headers);

}  // namespace bobbin::api
