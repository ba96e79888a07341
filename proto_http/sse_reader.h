#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto_http/parser_types.h"

namespace bobbin::http {

struct SseEvent {
  std::string type;  // "message" unless the stream named another
  std::string data;  // its lines joined by LF; never without at least one data line
  std::string id;    // the last id seen in the stream, in this event or before; may be empty
};

// Reads an event stream from bytes that arrive in any pieces, by the rules of WHATWG HTML, "Interpreting an event
// stream": CR, LF and CRLF end lines, one BOM is skipped at the start, comments and unknown fields are ignored, an `id`
// with NUL is ignored, an event without data is dropped.
//
// Bytes are handed on as they are: whether they are UTF-8 is for the caller to judge, once an event is whole.
class SseReader {
 public:
  enum class Step : uint8_t { need_more, event, error };

  // Bounds the unfinished line and the unfinished event, each.
  explicit SseReader(size_t event_bytes_max);

  // Takes bytes from the front of `input` up to the end of the next event. After `error` (Code::too_large) it stays
  // there: a stream cannot be read on from the middle of an event.
  Step next(std::string_view& input);
  // The stream has ended. The standard drops an event without its blank line; model servers forget that line, so
  // this hands such an event on, once. need_more when there is none.
  Step finish();

  // After `event`, until the next call; may be moved from.
  [[nodiscard]] SseEvent& event() noexcept { return event_; }
  [[nodiscard]] const ParserError& error() const noexcept { return error_; }
  // The last `retry:` of the stream, in milliseconds.
  [[nodiscard]] std::optional<uint64_t> retry_ms() const noexcept { return retry_ms_; }

 private:
  Step end_line(std::string_view line);
  Step dispatch();
  Step refuse();
  Step take_field(std::string_view name, std::string_view value);

  size_t event_bytes_max_;
  std::string line_;  // the beginning of a line whose end has not come
  std::string data_;  // of the unfinished event, each line with an LF
  std::string type_;
  std::string last_id_;
  SseEvent event_;
  std::optional<uint64_t> retry_ms_;
  bool at_stream_start_ = true;  // a BOM may still come
  bool after_cr_ = false;        // an LF now belongs to the line that has ended
  bool failed_ = false;
  ParserError error_;
};

}  // namespace bobbin::http
