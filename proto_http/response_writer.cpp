#include "proto_http/response_writer.h"

#include <charconv>

#include "proto_http/head_writer.h"
#include "src/base/assert.h"

namespace bobbin::http {

const char* status_reason(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

void append_response_head(std::string& out, const ResponseHeadSpec& spec) {
  BOBBIN_ASSERT(spec.status >= 100 && spec.status <= 999);
  const bool is_bodiless = spec.status < 200 || spec.status == 204 || spec.status == 304;
  BOBBIN_ASSERT(!is_bodiless || spec.framing == Framing::none);
  BOBBIN_ASSERT(spec.framing != Framing::until_close || !spec.keep_alive);
  // An HTTP/1.0 client would take the chunk sizes for text.
  BOBBIN_ASSERT(spec.framing != Framing::chunked || spec.client_minor_version >= 1);

  out.append("HTTP/1.1 ");
  append_decimal(out, static_cast<uint64_t>(spec.status));
  out.push_back(' ');
  out.append(status_reason(spec.status));
  out.append("\r\n");
  if (!spec.date.empty()) append_field(out, {"Date", spec.date});
  for (const HeaderField& field : spec.headers) {
    BOBBIN_ASSERT(!is_reserved_field(field.name));
    append_field(out, field);
  }
  append_framing(out, spec.framing, spec.content_length);
  if (!spec.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (spec.client_minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void append_continue(std::string& out) { out.append("HTTP/1.1 100 Continue\r\n\r\n"); }

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  char digits[16];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, data.size(), 16);
  const auto digits_bytes = static_cast<size_t>(end.ptr - digits);
  // Most chunks go out by themselves: room for this one, and no second allocation.
  if (out.empty()) out.reserve(digits_bytes + data.size() + 2 * std::string_view("\r\n").size());
  out.append(digits, digits_bytes);
  out.append("\r\n");
  out.append(data);
  out.append("\r\n");
}

void append_last_chunk(std::string& out) { out.append("0\r\n\r\n"); }

}  // namespace bobbin::http
