#include "proto_http/head_writer.h"

#include <charconv>

#include "src/base/assert.h"

namespace bobbin::http {

void append_decimal(std::string& out, uint64_t value) {
  char digits[20];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

void append_field(std::string& out, const HeaderField& field) {
  BOBBIN_ASSERT(is_token(field.name));
  BOBBIN_ASSERT(is_header_value(field.value));
  out.append(field.name);
  out.append(": ");
  out.append(field.value);
  out.append("\r\n");
}

void append_framing(std::string& out, Framing framing, uint64_t content_length) {
  switch (framing) {
    case Framing::length:
      out.append("Content-Length: ");
      append_decimal(out, content_length);
      out.append("\r\n");
      break;
    case Framing::chunked: out.append("Transfer-Encoding: chunked\r\n"); break;
    case Framing::none:
    case Framing::until_close: break;
  }
}

bool is_reserved_field(std::string_view name) noexcept {
  for (const std::string_view reserved : {std::string_view("content-length"), std::string_view("transfer-encoding"),
                                          std::string_view("connection"), std::string_view("date")}) {
    if (equals_ignoring_case(name, reserved)) return true;
  }
  return false;
}

}  // namespace bobbin::http
