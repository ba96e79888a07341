#include "proto_http/sse_reader.h"

#include <charconv>
#include <utility>

#include "proto_http/characters.h"

namespace bobbin::http {

static constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

SseReader::SseReader(size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

SseReader::Step SseReader::next(std::string_view& input) {
  if (failed_) return Step::error;
  // There are many streams, and each waits most of the time: between events none keeps memory.
  std::string().swap(event_.data);
  while (!input.empty()) {
    if (std::exchange(after_cr_, false) && input.front() == '\n') {
      input.remove_prefix(1);
      continue;
    }
    const size_t end = input.find_first_of("\r\n");
    const std::string_view part = input.substr(0, end);
    if (line_.size() + part.size() > event_bytes_max_) return refuse();
    if (end == std::string_view::npos) {
      line_.append(part);
      input = {};
      break;
    }
    after_cr_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    std::string whole = std::exchange(line_, {});
    if (!whole.empty()) whole.append(part);
    if (const Step step = end_line(whole.empty() ? part : whole); step != Step::need_more) return step;
  }
  return Step::need_more;
}

SseReader::Step SseReader::finish() {
  if (failed_) return Step::error;
  if (!line_.empty()) {
    const std::string line = std::exchange(line_, {});
    if (const Step step = end_line(line); step != Step::need_more) return step;
  }
  return dispatch();
}

SseReader::Step SseReader::refuse() {
  failed_ = true;
  error_ = {0, Code::too_large, "an event of the stream is too large"};
  return Step::error;
}

SseReader::Step SseReader::end_line(std::string_view line) {
  if (std::exchange(at_stream_start_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) return dispatch();
  const size_t colon = line.find(':');
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  return take_field(line.substr(0, colon), value);
}

// A comment has an empty name and falls through with the unknown ones.
SseReader::Step SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (data_.size() + value.size() + 1 > event_bytes_max_) return refuse();
    if (data_.empty()) data_.reserve(value.size() + 1);  // most events have one line
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
