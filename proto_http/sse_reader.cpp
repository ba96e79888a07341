#include "proto_http/sse_reader.h"

#include <charconv>
#include <utility>

#include "proto_http/characters.h"

namespace bobbin::http {

static constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

SseReader::SseReader(size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

SseReader::Step SseReader::next(std::string_view& input) {
  if (failed_) return Step::error;
  while (!input.empty()) {
    if (std::exchange(after_cr_, false) && input.front() == '\n') {
      input.remove_prefix(1);
      continue;
    }
    const size_t end = input.find_first_of("\r\n");
    const std::string_view part = input.substr(0, end);
    if (line_.size() + part.size() > event_bytes_max_) return refuse();
    line_.append(part);
    if (end == std::string_view::npos) {
      input = {};
      break;
    }
    after_cr_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    if (const Step step = end_line(); step != Step::need_more) return step;
  }
  return Step::need_more;
}

SseReader::Step SseReader::finish() {
  if (failed_) return Step::error;
  if (!line_.empty()) {
    if (const Step step = end_line(); step != Step::need_more) return step;
  }
  return dispatch();
}

SseReader::Step SseReader::refuse() {
  failed_ = true;
  error_ = {0, Code::too_large, "an event of the stream is too large"};
  return Step::error;
}

SseReader::Step SseReader::end_line() {
  std::string_view line = line_;
  if (std::exchange(at_stream_start_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    line_.clear();
    return dispatch();
  }
  const size_t colon = line.find(':');
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  const Step step = take_field(line.substr(0, colon), value);
  line_.clear();
  return step;
}

// A comment has an empty name and falls through with the unknown ones.
SseReader::Step SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (data_.size() + value.size() + 1 > event_bytes_max_) return refuse();
    data_.append(value);
    data_.push_back('\n');
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    uint64_t retry_ms = 0;
    const std::from_chars_result end = std::from_chars(value.data(), value.data() + value.size(), retry_ms);
    if (end.ec == std::errc() && end.ptr == value.data() + value.size()) retry_ms_ = retry_ms;
  }
  return Step::need_more;
}

SseReader::Step SseReader::dispatch() {
  const std::string type = std::exchange(type_, {});
  if (data_.empty()) return Step::need_more;
  data_.pop_back();  // the LF of its last line
  event_.type = type.empty() ? "message" : type;
  event_.data = std::exchange(data_, {});
  event_.id = last_id_;
  return Step::event;
}

}  // namespace bobbin::http
