#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bobbin::http {

// One header field as it goes on the wire. Views: whoever made the bytes keeps them.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// How the end of a message's body is told.
enum class Framing : uint8_t {
  none,         // there is no body
  length,       // exactly `content_length` bytes
  chunked,      // Transfer-Encoding: chunked
  until_close,  // all bytes to the end of the connection; answers only
};

// Whether two header names or tokens are equal, ASCII letters compared without case.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Whether `value` may stand in a header field: no control but HTAB, so no CR, LF or NUL. Bytes above 0x7f may.
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;
// Whether `text` is an RFC 9110 token: one or more of its characters, as in header names and methods.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// `text` without the spaces and tabs around it.
[[nodiscard]] std::string_view trim_white_space(std::string_view text) noexcept;

// Whether the comma-separated list `value` has the member `token`, compared without case. As in Connection or Accept.
[[nodiscard]] bool list_has_token(std::string_view value, std::string_view token) noexcept;

// The header fields of one message, with the bytes they point into: moving it keeps every later view right.
// Views handed out die with the block, and when it is moved.
class HeaderBlock {
 public:
  struct Span {
    uint32_t name_at;
    uint32_t name_bytes;
    uint32_t value_at;
    uint32_t value_bytes;
  };

  HeaderBlock() = default;
  // `spans` lie inside `bytes`.
  HeaderBlock(std::string bytes, std::vector<Span> spans) : bytes_(std::move(bytes)), spans_(std::move(spans)) {}

  // The raw head: its first line, the fields and the blank line.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] size_t size() const noexcept { return spans_.size(); }
  // Requires index < size(). The value has no white space around it.
  [[nodiscard]] HeaderField operator[](size_t index) const noexcept;

  // The value of the first field of that name, compared without case. A field that may come once only needs
  // count() == 1 as well.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] size_t count(std::string_view name) const noexcept;

  class Iterator {
   public:
    Iterator(const HeaderBlock& block, size_t index) : block_(&block), index_(index) {}
    HeaderField operator*() const noexcept { return (*block_)[index_]; }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

   private:
    const HeaderBlock* block_;
    size_t index_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, spans_.size()}; }

 private:
  std::string bytes_;
  std::vector<Span> spans_;
};

}  // namespace bobbin::http
