#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto_http/headers.h"
#include "src/base/result.h"

namespace bobbin::http {

struct RequestHeadSpec {
  std::string_view method = "GET";
  std::string_view target;  // `/path?query`; `http://…` to a proxy; host:port with CONNECT
  std::string_view host;    // host[:port], as Url::authority gives it
  // Without Host, Connection, Content-Length and Transfer-Encoding, which are written from the other members.
  std::span<const HeaderField> headers = {};
  Framing framing = Framing::none;  // none, length or chunked
  uint64_t content_length = 0;
  bool keep_alive = true;
};

// Appends the request line, the fields and the blank line. Bodies: append_chunk of response_writer.h.
//
// Errors: invalid for a method or name that is no token, a target that is empty or not visible ASCII, a host that is no
// host[:port], a value with CR, LF, NUL or another control, a field listed above. `out` is then unchanged.
Result<void> append_request_head(std::string& out, const RequestHeadSpec& spec);

}  // namespace bobbin::http
