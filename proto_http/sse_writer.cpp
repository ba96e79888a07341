#include "proto_http/sse_writer.h"

#include "proto_http/head_writer.h"
#include "src/base/assert.h"

namespace bobbin::http {
namespace {

// One line of output per line of `text`, each after `prefix`; there is at least one.
void append_lines(std::string& out, std::string_view prefix, std::string_view text) {
  while (true) {
    const size_t end = text.find_first_of("\r\n");
    out.append(prefix);
    out.append(text.substr(0, end));
    out.push_back('\n');
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

}  // namespace

void append_sse_event(std::string& out, uint64_t id, std::string_view data) {
  out.append("id: ");
  append_decimal(out, id);
  out.push_back('\n');
  append_sse_data(out, {}, data);
}

void append_sse_data(std::string& out, std::string_view type, std::string_view data) {
  BOBBIN_ASSERT(type.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  if (!type.empty()) {
    out.append("event: ");
    out.append(type);
    out.push_back('\n');
  }
  append_lines(out, "data: ", data);
  out.push_back('\n');
}

void append_sse_comment(std::string& out, std::string_view text) {
  append_lines(out, text.empty() ? ":" : ": ", text);
  out.push_back('\n');
}

}  // namespace bobbin::http
