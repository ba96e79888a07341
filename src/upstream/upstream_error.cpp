#include "src/upstream/upstream_error.h"

#include <simdjson.h>

#include <optional>

#include "src/base/text.h"

namespace bobbin::upstream {
namespace {

namespace dom = simdjson::dom;

// More of a body is not looked at: an error message stands at its begin.
constexpr size_t kBodyBytesMax = 64 * 1024;

// The text of the first of these fields that has any.
std::optional<std::string> message_in(const dom::object& object) {
  for (const char* name : {"error", "message", "detail"}) {
    const simdjson::simdjson_result<dom::element> field = object[name];
    std::string_view text;
    if (field.get(text) == simdjson::SUCCESS && !text.empty()) return std::string(text);
    dom::object inner;
    if (field.get(inner) != simdjson::SUCCESS) continue;
    if (inner["message"].get(text) == simdjson::SUCCESS && !text.empty()) return std::string(text);
  }
  return std::nullopt;
}

std::optional<std::string> message_of(std::string_view body) {
  dom::parser parser;
  dom::object object;
  if (parser.parse(simdjson::padded_string(body)).get(object) != simdjson::SUCCESS) return std::nullopt;
  return message_in(object);
}

const char* detail_of_status(int32_t status) noexcept {
  if (status == 401 || status == 403) return "the model's server refused the API key";
  if (status == 404) return "the model's server does not know the model or the address";
  if (status == 413) return "the conversation is too long for the model's server";
  if (status == 429) return "the model's server asks to wait";
  if (status >= 300 && status < 400) return "the model's server has another address";
  if (status >= 500) return "the model's server failed";
  return "the model's server refused the request";
}

}  // namespace

Error error_of_status(int32_t status) noexcept {
  const bool may_pass = status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
  return Error(may_pass ? Code::upstream_unavailable : Code::upstream_rejected, status, detail_of_status(status));
}

Error error_of_network(const Error& error) noexcept {
  Error mapped = error;
  switch (error.code) {
    case Code::cancelled: break;
    case Code::timeout: mapped.code = Code::upstream_timeout; break;
    // Not an HTTP answer, or a request that cannot be sent: the same again would end the same way.
    case Code::malformed:
    case Code::too_large:
    case Code::not_implemented:
    case Code::invalid:
    case Code::forbidden: mapped.code = Code::upstream_rejected; break;
    default: mapped.code = Code::upstream_unavailable; break;
  }
  return mapped;
}

std::string error_excerpt(std::string_view body) {
  const std::string text =
      to_utf8_lossy(message_of(body.substr(0, kBodyBytesMax)).value_or(std::string(body.substr(0, 4096))));
  std::string line = cut_line(text, kExcerptBytesMax);
  if (line.size() > kExcerptBytesMax) {
    line.resize(kExcerptBytesMax);
    line.resize(line.size() - utf8_tail_bytes(line));
  }
  return line;
}

}  // namespace bobbin::upstream
