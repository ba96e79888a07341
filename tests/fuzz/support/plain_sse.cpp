#include "tests/fuzz/support/plain_sse.h"

namespace bobbin::fuzz {
namespace {

// The lines that have an end: CRLF, LF or CR.
std::vector<std::string> lines_of(std::string_view stream) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t at = 0; at < stream.size(); ++at) {
    if (stream[at] != '\r' && stream[at] != '\n') {
      line.push_back(stream[at]);
      continue;
    }
    if (stream[at] == '\r' && at + 1 < stream.size() && stream[at + 1] == '\n') ++at;
    lines.push_back(line);
    line.clear();
  }
  return lines;
}

}  // namespace

std::vector<PlainEvent> read_plain_events(std::string_view stream) {
  if (stream.substr(0, 3) == "\xef\xbb\xbf") stream.remove_prefix(3);
  std::vector<PlainEvent> events;
  std::string data;
  std::string type;
  std::string last_id;
  for (const std::string& line : lines_of(stream)) {
    if (line.empty()) {
      if (!data.empty()) {
        data.pop_back();
        events.push_back({type.empty() ? "message" : type, data, last_id});
      }
      data.clear();
      type.clear();
      continue;
    }
    if (line[0] == ':') continue;
    const size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (name == "event") type = value;
    if (name == "data") data += value + '\n';
    if (name == "id" && value.find('\0') == std::string::npos) last_id = value;
  }
  return events;
}

}  // namespace bobbin::fuzz
