#include <algorithm>
#include <string>
#include <utility>

#include "proto_http/characters.h"
#include "proto_http/header_scan.h"
#include "src/base/assert.h"

namespace bobbin::http {

HeadGatherer::Step HeadGatherer::next(std::string_view& input) {
  BOBBIN_ASSERT(place_ != Place::done);
  if (place_ == Place::start || place_ == Place::cr_before_first_line) {
    if (const std::optional<Step> step = skip_empty_line(input)) return *step;
  }
  std::optional<Step> step;
  size_t taken = 0;
  while (taken < input.size() && !step) {
    taken += pass_field_bytes(input.substr(taken));
    if (taken == input.size()) break;
    step = take_byte(static_cast<unsigned char>(input[taken]));
    ++taken;
  }
  bytes_.append(input.substr(0, taken));
  input.remove_prefix(taken);
  return step.value_or(Step::need_more);
}

std::string HeadGatherer::take() {
  place_ = Place::start;
  empty_line_skipped_ = false;
  bytes_seen_ = 0;
  return std::exchange(bytes_, {});
}

// Most bytes of a head are the inside of a field: how many at the front of `input` change nothing but the size.
size_t HeadGatherer::pass_field_bytes(std::string_view input) noexcept {
  if (place_ != Place::line) return 0;
  const size_t bytes_max = std::min(input.size(), limits_.block_bytes_max - bytes_seen_);
  size_t bytes = 0;
  while (bytes < bytes_max && is_field_byte(static_cast<unsigned char>(input[bytes]))) ++bytes;
  bytes_seen_ += bytes;
  return bytes;
}

HeadGatherer::Step HeadGatherer::refuse(int status, Code code, const char* detail) {
  error_ = {status, code, detail};
  return Step::refused;
}

// Some clients send an empty line after a body (RFC 9112 §2.2 asks to bear with one). nullopt: the head begins here.
std::optional<HeadGatherer::Step> HeadGatherer::skip_empty_line(std::string_view& input) {
  while (!input.empty()) {
    const char byte = input.front();
    if (place_ == Place::cr_before_first_line) {
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF");
      place_ = Place::start;
      empty_line_skipped_ = true;
    } else if (byte == '\r' && kind_ == Kind::request && !empty_line_skipped_) {
      place_ = Place::cr_before_first_line;
    } else {
      place_ = Place::first_line;
      return std::nullopt;
    }
    input.remove_prefix(1);
  }
  return Step::need_more;
}

std::optional<HeadGatherer::Step> HeadGatherer::take_byte(unsigned char byte) {
  ++bytes_seen_;
  const bool in_first_line = place_ == Place::first_line || place_ == Place::cr_in_first_line;
  if (in_first_line && bytes_seen_ > limits_.first_line_bytes_max) {
    return refuse(414, Code::uri_too_long, "the request line is too long");
  }
  if (bytes_seen_ > limits_.block_bytes_max) return refuse(431, Code::header_too_large, "the header is too large");

  switch (place_) {
    case Place::cr_in_first_line:
    case Place::cr_in_line:
    case Place::cr_at_line_start: {
      if (byte != '\n') return refuse(400, Code::malformed, "CR without LF");
      const Place before = std::exchange(place_, Place::line_start);
      if (before == Place::cr_in_first_line) return Step::first_line;
      if (before == Place::cr_in_line) return std::nullopt;
      place_ = Place::done;
      return Step::complete;
    }
    default: return take_line_byte(byte);
  }
}

std::optional<HeadGatherer::Step> HeadGatherer::take_line_byte(unsigned char byte) {
  if (byte == '\r') {
    place_ = place_ == Place::first_line   ? Place::cr_in_first_line
             : place_ == Place::line_start ? Place::cr_at_line_start
                                           : Place::cr_in_line;
    return std::nullopt;
  }
  if (byte == '\n') return refuse(400, Code::malformed, "LF without CR");
  if (place_ == Place::first_line && kind_ == Kind::request) {
    if (!is_visible_ascii(byte) && byte != ' ') {
      return refuse(400, Code::malformed, "a control or non-ASCII byte in the request line");
    }
    return std::nullopt;
  }
  if (!is_field_byte(byte)) return refuse(400, Code::malformed, "a control character in the header");
  if (place_ == Place::line_start) {
    // Also white space between the first line and the first field: other readers skip it, or join it to the line
    // before.
    if (byte == ' ' || byte == '\t') return refuse(400, Code::malformed, "a folded header line");
    place_ = Place::line;
  }
  return std::nullopt;
}

}  // namespace bobbin::http
