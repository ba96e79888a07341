#include "proto_http/request_writer.h"

#include <algorithm>

#include "proto_http/characters.h"
#include "proto_http/head_writer.h"
#include "proto_http/header_scan.h"

namespace bobbin::http {
namespace {

Result<void> check(const RequestHeadSpec& spec) {
  if (!is_token(spec.method)) return fail(Code::invalid, 0, "the method is no token");
  const bool is_visible = std::all_of(spec.target.begin(), spec.target.end(),
                                      [](char c) { return is_visible_ascii(static_cast<unsigned char>(c)); });
  if (spec.target.empty() || !is_visible) return fail(Code::invalid, 0, "the request target is not visible ASCII");
  if (!is_host_and_port(spec.host)) return fail(Code::invalid, 0, "the host is no host");
  if (spec.framing == Framing::until_close) return fail(Code::invalid, 0, "a request cannot end by closing");
  for (const HeaderField& field : spec.headers) {
    if (!is_token(field.name)) return fail(Code::invalid, 0, "a header name is no token");
    if (!is_header_value(field.value)) return fail(Code::invalid, 0, "a control character in a header value");
    if (is_reserved_field(field.name) || equals_ignoring_case(field.name, "host")) {
      return fail(Code::invalid, 0, "a header that the client writes itself");
    }
  }
  return {};
}

}  // namespace

Result<void> append_request_head(std::string& out, const RequestHeadSpec& spec) {
  TRY(check(spec));
  out.append(spec.method);
  out.push_back(' ');
  out.append(spec.target);
  out.append(" HTTP/1.1\r\n");
  append_field(out, {"Host", spec.host});
  for (const HeaderField& field : spec.headers) append_field(out, field);
  append_framing(out, spec.framing, spec.content_length);
  if (!spec.keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  return {};
}

}  // namespace bobbin::http
