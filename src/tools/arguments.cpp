#include "src/tools/arguments.h"

#include <algorithm>

#include "src/tools/clip.h"

namespace bobbin::tools {
namespace {

bool is_of_type(const JsonValue& value, std::string_view type) {
  switch (value.kind()) {
    case JsonValue::Kind::absent: return true;
    case JsonValue::Kind::null: return type == "null";
    case JsonValue::Kind::boolean: return type == "boolean";
    case JsonValue::Kind::number: return type == "number" || (type == "integer" && value.integer().has_value());
    case JsonValue::Kind::text: return type == "string";
    case JsonValue::Kind::array: return type == "array";
    case JsonValue::Kind::object: return type == "object";
  }
  return false;
}

bool fits_type(const JsonValue& type, const JsonValue& value) {
  if (type.kind() == JsonValue::Kind::text) return is_of_type(value, type.text());
  const std::vector<JsonValue> types = type.items();
  return types.empty() ||
         std::any_of(types.begin(), types.end(), [&](const JsonValue& one) { return is_of_type(value, one.text()); });
}

bool fits_enum(const JsonValue& values, const JsonValue& value) {
  const std::vector<JsonValue> allowed = values.items();
  const std::string text = value.to_json();
  return allowed.empty() ||
         std::any_of(allowed.begin(), allowed.end(), [&](const JsonValue& one) { return one.to_json() == text; });
}

std::string type_words(const JsonValue& type) {
  if (type.kind() == JsonValue::Kind::text) return to_excerpt(type.text());
  std::string words;
  for (const JsonValue& one : type.items()) {
    if (!words.empty()) words += " or ";
    words += to_excerpt(one.text());
  }
  return words;
}

}  // namespace

std::optional<std::string> find_argument_fault(const JsonValue& schema, const JsonValue& arguments) {
  for (const JsonValue& name : schema["required"].items()) {
    if (arguments[name.text()].is_absent()) return "The argument \"" + to_excerpt(name.text()) + "\" is missing.";
  }
  for (const auto& [name, property] : schema["properties"].fields()) {
    const JsonValue value = arguments[name];
    if (value.is_absent()) continue;
    if (!fits_type(property["type"], value))
      return "The argument \"" + to_excerpt(name) + "\" must be of type " + type_words(property["type"]) + '.';
    if (!fits_enum(property["enum"], value))
      return "The argument \"" + to_excerpt(name) + "\" must be one of " + to_excerpt(property["enum"].to_json()) + '.';
  }
  return std::nullopt;
}

std::optional<std::string> argument_text(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::absent:
    case JsonValue::Kind::null: return std::nullopt;
    case JsonValue::Kind::text: return std::string(value.text());
    case JsonValue::Kind::boolean:
    case JsonValue::Kind::number:
    case JsonValue::Kind::object: return value.to_json();
    case JsonValue::Kind::array: break;
  }
  std::string joined;
  bool is_first = true;
  for (const JsonValue& item : value.items()) {
    if (!is_first) joined += ',';
    is_first = false;
    joined += item.kind() == JsonValue::Kind::text ? std::string(item.text()) : item.to_json();
  }
  return joined;
}

}  // namespace bobbin::tools
