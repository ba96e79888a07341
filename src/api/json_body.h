#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

// Reading the JSON body of a request.
namespace bobbin::api {

// A field of a parsed body, or none. Whoever asks it for what it is not gets nothing. Cheap to copy; dies with the next
// parse on its thread, and so does the text it gives.
class BodyField {
 public:
  BodyField() = default;

  // The body has it, if only as null.
  [[nodiscard]] bool is_there() const noexcept { return is_there_; }
  // Absent and null are mostly the same.
  [[nodiscard]] bool is_empty() const noexcept;
  [[nodiscard]] std::optional<std::string_view> text() const noexcept;
  [[nodiscard]] std::optional<bool> boolean() const noexcept;
  // A whole number that is not negative.
  [[nodiscard]] std::optional<uint64_t> count() const noexcept;
  // An array of strings and nothing else.
  [[nodiscard]] std::optional<std::vector<std::string_view>> texts() const;

 private:
  friend struct BodyAccess;  // the parser's own view, of this size
  alignas(8) std::array<std::byte, 16> view_{};
  bool is_there_ = false;
};

// Fills `found` with the fields of `names` in a JSON object, in that order. Errors: malformed (not JSON, not UTF-8,
// also inside fields that nobody reads), invalid (not an object; a field of `names` twice).
Result<void> read_fields(std::string_view body, std::span<const std::string_view> names, std::span<BodyField> found);

template <size_t N>
Result<std::array<BodyField, N>> parse_object(std::string_view body, const std::array<std::string_view, N>& names) {
  std::array<BodyField, N> found;
  TRY(read_fields(body, names, found));
  return found;
}

// Their values, or invalid with `complaint`, a literal.
Result<std::string> text(const BodyField& field, const char* complaint);
// Where it may be absent or null: empty, and false.
Result<std::string> text_or_empty(const BodyField& field, const char* complaint);
Result<bool> truth(const BodyField& field, const char* complaint);

}  // namespace bobbin::api
