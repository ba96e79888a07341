#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Writing JSON by appending to a string: no tree, no allocation beyond `out`.
namespace bobbin::json {

// Appends `text` as a JSON string with its quotes. `text` is UTF-8; runs without escapes are copied whole.
// Controls become \u00XX (or the short forms); U+2028/2029 stay, as JSON allows.
void append_string(std::string& out, std::string_view text);

void append_int(std::string& out, int64_t value);
void append_uint(std::string& out, uint64_t value);

// One object, field by field: writes the commas. `Object object(out); object.field("a", 1); object.close();`
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // Field names are literals of ours: they are not escaped.
  Object& field(std::string_view name, std::string_view text);
  Object& field(std::string_view name, const char* text) { return field(name, std::string_view(text)); }
  Object& number(std::string_view name, int64_t value);
  Object& boolean(std::string_view name, bool value);
  Object& null(std::string_view name);
  // RFC 3339, as a string. `time_or_null`: 0 is null.
  Object& time(std::string_view name, int64_t wall_us);
  Object& time_or_null(std::string_view name, int64_t wall_us);
  // Appends `name:` and gives back `out` for a value of any shape.
  std::string& key(std::string_view name);

  void close() { out_.push_back('}'); }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace bobbin::json
