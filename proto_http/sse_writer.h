#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bobbin::http {

// Writes one server-sent event: an `id:` line, one `data:` line per line of `data`, a blank line.
//
// CR, LF and CRLF all split lines, so text cannot forge a field; a reader sees each as one LF. Empty `data` is one
// empty `data:` line: an event with empty data. Cannot fail: the caller bounds `data`. Source: WHATWG HTML,
// "Server-sent events", interpreting an event stream.
void append_sse_event(std::string& out, uint64_t id, std::string_view data);

// The same without `id:`, and with an `event:` line when `type` is not empty. For streams in foreign formats.
// Requires a `type` without CR, LF and NUL (BOBBIN_ASSERT).
void append_sse_data(std::string& out, std::string_view type, std::string_view data);

// Writes a comment, one `:` line per line of `text`, and a blank line: keeps idle connections open, carries no event.
void append_sse_comment(std::string& out, std::string_view text);

}  // namespace bobbin::http
