#include "src/api/json_body.h"

#include <simdjson.h>

#include <bit>

#include "src/base/limits.h"

namespace bobbin::api {

using simdjson::dom::element;

struct BodyAccess {
  static_assert(sizeof(element) == sizeof(BodyField::view_) && std::is_trivially_copyable_v<element>);
  static BodyField of(element value) noexcept {
    BodyField field;
    field.view_ = std::bit_cast<decltype(field.view_)>(value);
    field.is_there_ = true;
    return field;
  }
  template <class T>
  static std::optional<T> get(const BodyField& field) noexcept {
    T value;
    if (!field.is_there_ || std::bit_cast<element>(field.view_).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
  static bool is_null(const BodyField& field) noexcept { return std::bit_cast<element>(field.view_).is_null(); }
};

bool BodyField::is_empty() const noexcept { return !is_there_ || BodyAccess::is_null(*this); }
std::optional<std::string_view> BodyField::text() const noexcept { return BodyAccess::get<std::string_view>(*this); }
std::optional<bool> BodyField::boolean() const noexcept { return BodyAccess::get<bool>(*this); }
std::optional<uint64_t> BodyField::count() const noexcept { return BodyAccess::get<uint64_t>(*this); }

std::optional<std::vector<std::string_view>> BodyField::texts() const {
  const auto array = BodyAccess::get<simdjson::dom::array>(*this);
  if (!array) return std::nullopt;
  std::vector<std::string_view> texts;
  for (const element each : *array) {
    if (each.get(texts.emplace_back()) != simdjson::SUCCESS) return std::nullopt;
  }
  return texts;
}

Result<void> read_fields(std::string_view body, std::span<const std::string_view> names, std::span<BodyField> found) {
  // One parser a thread: its buffers grow to the largest body once.
  thread_local simdjson::dom::parser parser(limits::kBodyBytesMax);
  element document;
  // simdjson reads past the end: the copy it makes has the padding.
  if (parser.parse(body.data(), body.size(), true).get(document) != simdjson::SUCCESS)
    return fail(Code::malformed, 0, "the body is not valid JSON in UTF-8");
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return fail(Code::invalid, 0, "the body must be a JSON object");
  for (const auto [key, value] : object) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (key != names[i]) continue;
      if (found[i].is_there()) return fail(Code::invalid, 0, "a field stands in the body twice");
      found[i] = BodyAccess::of(value);
    }
  }
  return {};
}

Result<std::string> text(const BodyField& field, const char* complaint) {
  const auto value = field.text();
  if (!value) return fail(Code::invalid, 0, complaint);
  return std::string(*value);
}

Result<std::string> text_or_empty(const BodyField& field, const char* complaint) {
  return field.is_empty() ? Result<std::string>() : text(field, complaint);
}

Result<bool> truth(const BodyField& field, const char* complaint) {
  if (field.is_empty()) return false;
  const auto value = field.boolean();
  if (!value) return fail(Code::invalid, 0, complaint);
  return *value;
}

}  // namespace bobbin::api
