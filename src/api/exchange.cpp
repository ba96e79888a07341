#include "src/api/exchange.h"

#include <charconv>

#include "proto_http/url.h"
#include "src/base/limits.h"
#include "src/base/text.h"

namespace bobbin::api {

Result<std::optional<std::string>> text_parameter(const Exchange& exchange, std::string_view name) {
  TRY_ASSIGN(std::optional<std::string> text, http::query_parameter(exchange.request.head.query(), name));
  if (text && !is_utf8(*text)) return fail(Code::malformed, 0, "a query parameter is not UTF-8");
  return text;
}

Result<std::optional<uint32_t>> limit_parameter(const Exchange& exchange, uint32_t limit_max) {
  TRY_ASSIGN(const std::optional<std::string> text, text_parameter(exchange, "limit"));
  if (!text) return std::nullopt;
  uint32_t limit = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, limit);
  if (error != std::errc() || at != end || limit < 1 || limit > limit_max)
    return fail(Code::invalid, 0, "limit must be a whole number from 1 to 1000");
  return limit;
}

Result<void> check_thread_id(std::string_view text) {
  if (text.empty() || text.size() > limits::kThreadIdBytesMax)
    return fail(Code::invalid, 0, "thread_id must have 1 to 128 bytes");
  if (has_control_characters(text)) return fail(Code::invalid, 0, "thread_id must not contain control characters");
  return {};
}

}  // namespace bobbin::api
