#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto_http/parser_types.h"

namespace bobbin::http {

// Reads a chunked body (RFC 9112 §7.1), stricter than llhttp 8.1.
//
// Size: 1 to 16 hexadecimal digits, nothing before or after them but `;` and extensions, value below 2^63. Lines end in
// CRLF, data in CRLF. Extensions and trailer fields are checked for controls and for their size, and dropped.
class ChunkDecoder {
 public:
  explicit ChunkDecoder(const ParserLimits& limits) : limits_(limits) {}

  // Event::body, complete, need_more or error; never head.
  Event next(std::string_view& input);
  [[nodiscard]] std::string_view piece() const noexcept { return piece_; }
  [[nodiscard]] const ParserError& error() const noexcept { return error_; }
  // Ready for another body.
  void reset() noexcept;

 private:
  enum class State : uint8_t {
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_line_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    failed,
  };

  std::optional<Event> take_byte(unsigned char byte);
  std::optional<Event> take_size_byte(unsigned char byte);
  std::optional<Event> take_extension_byte(unsigned char byte);
  std::optional<Event> take_trailer_byte(unsigned char byte);
  Event next_data(std::string_view& input);
  Event refuse(int status, Code code, const char* detail);

  ParserLimits limits_;
  State state_ = State::size_start;
  uint64_t chunk_bytes_left_ = 0;
  int size_digits_ = 0;
  size_t line_bytes_ = 0;
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  std::string_view piece_;
  ParserError error_;
};

}  // namespace bobbin::http
