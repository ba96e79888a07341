#include "src/tools/json_value.h"

#include <simdjson.h>

#include <bit>

namespace bobbin::tools {
namespace {

namespace dom = simdjson::dom;

}  // namespace

struct JsonValue::Access {
  struct Shape {
    const void* document;
    size_t at;
  };
  static_assert(sizeof(Shape) == sizeof(dom::element) && std::is_trivially_copyable_v<dom::element>);

  // Requires a value that is not absent.
  static dom::element element(const JsonValue& value) noexcept {
    return std::bit_cast<dom::element>(Shape{value.document_, value.at_});
  }
  static JsonValue value(const dom::element& element) noexcept {
    const auto shape = std::bit_cast<Shape>(element);
    JsonValue value;
    value.document_ = shape.document;
    value.at_ = shape.at;
    return value;
  }
};

struct JsonDocument::Impl {
  dom::parser parser;
  std::string padded;
  size_t bytes = 0;
};

JsonDocument::JsonDocument() : impl_(std::make_unique<Impl>()) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  JsonDocument document;
  Impl& impl = *document.impl_;
  impl.padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  impl.padded.assign(text);
  impl.padded.resize(text.size() + simdjson::SIMDJSON_PADDING);
  impl.bytes = text.size();
  if (impl.parser.allocate(text.size(), kDepthMax) != simdjson::SUCCESS) return fail(Code::malformed, 0, "JSON");
  dom::element root;
  if (impl.parser.parse(impl.padded.data(), text.size(), false).get(root) != simdjson::SUCCESS)
    return fail(Code::malformed, 0, "JSON");
  document.root_ = JsonValue::Access::value(root);
  return document;
}

std::string_view JsonDocument::source() const noexcept { return {impl_->padded.data(), impl_->bytes}; }

JsonValue::Kind JsonValue::kind() const noexcept {
  if (is_absent()) return Kind::absent;
  switch (Access::element(*this).type()) {
    case dom::element_type::ARRAY: return Kind::array;
    case dom::element_type::OBJECT: return Kind::object;
    case dom::element_type::STRING: return Kind::text;
    case dom::element_type::BOOL: return Kind::boolean;
    case dom::element_type::NULL_VALUE: return Kind::null;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE: return Kind::number;
  }
  return Kind::absent;
}

JsonValue JsonValue::operator[](std::string_view name) const noexcept {
  if (is_absent()) return {};
  dom::object object;
  dom::element field;
  if (Access::element(*this).get(object) != simdjson::SUCCESS) return {};
  if (object.at_key(name).get(field) != simdjson::SUCCESS) return {};
  return Access::value(field);
}

std::string_view JsonValue::text() const noexcept {
  std::string_view text;
  if (is_absent() || Access::element(*this).get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::optional<int64_t> JsonValue::integer() const noexcept {
  if (is_absent()) return std::nullopt;
  const dom::element element = Access::element(*this);
  int64_t whole = 0;
  if (element.get(whole) == simdjson::SUCCESS) return whole;
  double number = 0;
  if (element.get(number) != simdjson::SUCCESS || number < -1e15 || number > 1e15) return std::nullopt;
  whole = static_cast<int64_t>(number);
  if (static_cast<double>(whole) != number) return std::nullopt;
  return whole;
}

std::optional<bool> JsonValue::boolean() const noexcept {
  bool value = false;
  if (is_absent() || Access::element(*this).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> items;
  dom::array array;
  if (is_absent() || Access::element(*this).get(array) != simdjson::SUCCESS) return items;
  for (const dom::element item : array) items.push_back(Access::value(item));
  return items;
}

std::vector<std::pair<std::string_view, JsonValue>> JsonValue::fields() const {
  std::vector<std::pair<std::string_view, JsonValue>> fields;
  dom::object object;
  if (is_absent() || Access::element(*this).get(object) != simdjson::SUCCESS) return fields;
  for (const dom::key_value_pair field : object) fields.emplace_back(field.key, Access::value(field.value));
  return fields;
}

std::string JsonValue::to_json() const {
  if (is_absent()) return {};
  return simdjson::minify(Access::element(*this));
}

}  // namespace bobbin::tools
