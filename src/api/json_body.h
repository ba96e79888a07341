#pragma once

#include <simdjson.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/limits.h"
#include "src/base/result.h"

// Reading the JSON body of a request. For this folder's sources: simdjson is in it.
namespace bobbin::api {

// One parser a thread: its buffers grow to the largest body once.
inline simdjson::dom::parser& body_parser() {
  thread_local simdjson::dom::parser instance(limits::kBodyBytesMax);
  return instance;
}

// The fields of `names` in a JSON object, in that order; absent ones are nullopt. The elements live until the next
// parse.
template <size_t N>
Result<std::array<std::optional<simdjson::dom::element>, N>> parse_object(
    std::string_view body, const std::array<std::string_view, N>& names) {
  simdjson::dom::element document;
  // simdjson reads past the end: the copy it makes has the padding.
  if (body_parser().parse(body.data(), body.size(), true).get(document) != simdjson::SUCCESS)
    return fail(Code::malformed, 0, "the body is not valid JSON in UTF-8");
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return fail(Code::invalid, 0, "the body must be a JSON object");
  std::array<std::optional<simdjson::dom::element>, N> found;
  for (const auto [key, value] : object) {
    for (size_t i = 0; i < N; ++i) {
      if (key != names[i]) continue;
      if (found[i]) return fail(Code::invalid, 0, "a field stands in the body twice");
      found[i] = value;
    }
  }
  return found;
}

// Absent and null are the same.
inline Result<std::string> text_or_empty(const std::optional<simdjson::dom::element>& field, const char* complaint) {
  if (!field || field->is_null()) return std::string();
  std::string_view text;
  if (field->get(text) != simdjson::SUCCESS) return fail(Code::invalid, 0, complaint);
  return std::string(text);
}

// Absent and null are false.
inline Result<bool> truth(const std::optional<simdjson::dom::element>& field, const char* complaint) {
  bool value = false;
  if (field && !field->is_null() && field->get(value) != simdjson::SUCCESS) return fail(Code::invalid, 0, complaint);
  return value;
}

}  // namespace bobbin::api
