#include "proto_http/chunk_decoder.h"

#include <algorithm>

#include "proto_http/characters.h"

namespace bobbin::http {

void ChunkDecoder::reset() noexcept {
  state_ = State::size_start;
  chunk_bytes_left_ = 0;
  size_digits_ = 0;
  line_bytes_ = 0;
  extension_bytes_ = 0;
  trailer_bytes_ = 0;
  piece_ = {};
}

Event ChunkDecoder::next(std::string_view& input) {
  if (state_ == State::failed) return Event::error;
  while (!input.empty()) {
    if (state_ == State::data) return next_data(input);
    const auto byte = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    if (const std::optional<Event> event = take_byte(byte)) return *event;
  }
  return Event::need_more;
}

Event ChunkDecoder::next_data(std::string_view& input) {
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(chunk_bytes_left_, input.size()));
  piece_ = input.substr(0, bytes);
  input.remove_prefix(bytes);
  chunk_bytes_left_ -= bytes;
  if (chunk_bytes_left_ == 0) state_ = State::data_cr;
  return Event::body;
}

Event ChunkDecoder::refuse(int status, Code code, const char* detail) {
  state_ = State::failed;
  error_ = {status, code, detail};
  return Event::error;
}

std::optional<Event> ChunkDecoder::take_byte(unsigned char byte) {
  switch (state_) {
    case State::size_start:
    case State::size: return take_size_byte(byte);
    case State::extension: return take_extension_byte(byte);
    case State::size_lf:
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF after a chunk size");
      state_ = chunk_bytes_left_ == 0 ? State::trailer_line_start : State::data;
      line_bytes_ = 0;
      return std::nullopt;
    case State::data_cr:
      if (byte != '\r') return refuse(400, Code::malformed, "a chunk is longer than its size");
      state_ = State::data_lf;
      return std::nullopt;
    case State::data_lf:
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF after a chunk");
      state_ = State::size_start;
      size_digits_ = 0;
      return std::nullopt;
    case State::trailer_line_start:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
    case State::end_lf: return take_trailer_byte(byte);
    case State::data:
    case State::failed: break;  // next() takes care of both
  }
  return Event::error;
}

std::optional<Event> ChunkDecoder::take_size_byte(unsigned char byte) {
  ++line_bytes_;
  if (const int digit = hex_value(byte); digit >= 0) {
    // 2^59 - 1 may still become 2^63 - 1; the digits are bounded so that zeros do not go on for ever.
    if (size_digits_ == 16 || chunk_bytes_left_ >= (uint64_t{1} << 59)) {
      return refuse(400, Code::malformed, "a chunk size is too large");
    }
    chunk_bytes_left_ = chunk_bytes_left_ * 16 + static_cast<uint64_t>(digit);
    ++size_digits_;
    state_ = State::size;
    return std::nullopt;
  }
  if (state_ == State::size && byte == '\r') {
    state_ = State::size_lf;
    return std::nullopt;
  }
  if (state_ == State::size && byte == ';') {
    state_ = State::extension;
    return std::nullopt;
  }
  // Signs, `0x`, spaces, a bare LF, an empty size.
  return refuse(400, Code::malformed, "a chunk size is not hexadecimal digits alone");
}

std::optional<Event> ChunkDecoder::take_extension_byte(unsigned char byte) {
  ++line_bytes_;
  ++extension_bytes_;
  if (line_bytes_ > limits_.chunk_line_bytes_max || extension_bytes_ > limits_.chunk_extension_bytes_max) {
    return refuse(400, Code::malformed, "chunk extensions are too long");
  }
  if (byte == '\r') {
    state_ = State::size_lf;
  } else if (!is_field_byte(byte)) {
    return refuse(400, Code::malformed, "a control character in a chunk extension");
  }
  return std::nullopt;
}

std::optional<Event> ChunkDecoder::take_trailer_byte(unsigned char byte) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max) {
    return refuse(431, Code::header_too_large, "the trailer is too large");
  }
  switch (state_) {
    case State::trailer_line_start:
      if (byte == '\r') {
        state_ = State::end_lf;
        return std::nullopt;
      }
      if (!is_token_byte(byte)) return refuse(400, Code::malformed, "a trailer line is malformed");
      state_ = State::trailer_name;
      return std::nullopt;
    case State::trailer_name:
      if (byte == ':') {
        state_ = State::trailer_value;
        return std::nullopt;
      }
      if (!is_token_byte(byte)) return refuse(400, Code::malformed, "a trailer name is no token");
      return std::nullopt;
    case State::trailer_value:
      if (byte == '\r') {
        state_ = State::trailer_lf;
        return std::nullopt;
      }
      if (!is_field_byte(byte)) return refuse(400, Code::malformed, "a control character in the trailer");
      return std::nullopt;
    case State::trailer_lf:
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF in the trailer");
      state_ = State::trailer_line_start;
      return std::nullopt;
    default:  // end_lf
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF after the trailer");
      reset();
      return Event::complete;
  }
}

}  // namespace bobbin::http
