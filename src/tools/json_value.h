#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/result.h"

namespace bobbin::tools {

// A view of one value in a JsonDocument, or of nothing. Whoever asks it for what it is not gets nothing: so an answer
// whose fields may be absent, null or of another type is read without a check at each step. Cheap to copy; dies with
// its document. Text is UTF-8.
class JsonValue {
 public:
  enum class Kind : uint8_t { absent, null, boolean, number, text, array, object };

  JsonValue() = default;
  [[nodiscard]] Kind kind() const noexcept;
  [[nodiscard]] bool is_absent() const noexcept { return document_ == nullptr; }
  [[nodiscard]] bool is_object() const noexcept { return kind() == Kind::object; }

  // The first field of that name; absent where there is none and where this is no object.
  JsonValue operator[](std::string_view name) const noexcept;
  // Empty for anything but text.
  [[nodiscard]] std::string_view text() const noexcept;
  // A whole number, also when written as 12.0.
  [[nodiscard]] std::optional<int64_t> integer() const noexcept;
  [[nodiscard]] std::optional<bool> boolean() const noexcept;
  // Empty for anything but an array.
  [[nodiscard]] std::vector<JsonValue> items() const;
  // In their order; empty for anything but an object.
  [[nodiscard]] std::vector<std::pair<std::string_view, JsonValue>> fields() const;
  // The value as JSON without white space; empty for an absent one.
  [[nodiscard]] std::string to_json() const;

 private:
  friend class JsonDocument;
  struct Access;  // the library's own view, which has the same shape
  const void* document_ = nullptr;
  size_t at_ = 0;
};

// A parsed JSON text, strictly after RFC 8259.
class JsonDocument {
 public:
  // Deeper nesting is refused: nothing that a tool deals with needs it.
  static constexpr size_t kDepthMax = 64;

  // Errors: malformed (also for ill-formed UTF-8 and unpaired surrogates).
  static Result<JsonDocument> parse(std::string_view text);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  [[nodiscard]] JsonValue root() const noexcept { return root_; }
  // The text that was parsed.
  [[nodiscard]] std::string_view source() const noexcept;

 private:
  struct Impl;
  JsonDocument();
  std::unique_ptr<Impl> impl_;
  JsonValue root_;
};

}  // namespace bobbin::tools
