#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto_http/headers.h"

namespace bobbin::http {

// The reason phrase of `status` as registered by IANA; "Unknown" for one that this server never sends. Never null.
[[nodiscard]] const char* status_reason(int status) noexcept;

struct ResponseHeadSpec {
  int status = 200;
  // Without Date, Connection, Content-Length and Transfer-Encoding, which are written from the members below.
  std::span<const HeaderField> headers = {};
  // none: 1xx, 204, 304, or HEAD where the length is unknown. until_close needs keep_alive = false: a stream to an
  // HTTP/1.0 client. An answer to HEAD has the framing that GET would have, and no body follows.
  Framing framing = Framing::length;
  uint64_t content_length = 0;
  bool keep_alive = true;
  int client_minor_version = 1;  // of the request: a 1.0 client must be told that the connection stays
  std::string_view date = {};    // IMF-fixdate, made by the caller: there is no clock here; left out when empty
};

// Appends the status line, the fields and the blank line.
//
// Cannot fail: a name that is no token, a value with CR, LF, NUL or another control, a framing that the status forbids
// are bugs of the caller (BOBBIN_ASSERT). Text from outside must have passed is_header_value before.
void append_response_head(std::string& out, const ResponseHeadSpec& spec);

// Appends `HTTP/1.1 100 Continue` and its blank line.
void append_continue(std::string& out);

// Appends one chunk. An empty `data` appends nothing: it would end the body.
void append_chunk(std::string& out, std::string_view data);
// Ends a chunked body.
void append_last_chunk(std::string& out);

}  // namespace bobbin::http
