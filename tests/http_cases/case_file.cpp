#include "tests/http_cases/case_file.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace bobbin::test {
namespace {

// Reads the escape after a backslash at the front of `text` and takes it off.
std::string take_escape(std::string_view& text) {
  if (text.empty()) throw std::runtime_error("a backslash at the end");
  const char kind = text.front();
  text.remove_prefix(1);
  switch (kind) {
    case 'r': return "\r";
    case 'n': return "\n";
    case 't': return "\t";
    case 's': return " ";
    case '0': return std::string(1, '\0');
    case '\\': return "\\";
    case 'x': {
      unsigned value = 0;
      const std::from_chars_result end =
          std::from_chars(text.data(), text.data() + std::min<size_t>(2, text.size()), value, 16);
      if (end.ptr != text.data() + 2) throw std::runtime_error("\\x without two digits");
      text.remove_prefix(2);
      return std::string(1, static_cast<char>(value));
    }
    case '(': {
      size_t times = 0;
      const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), times);
      const size_t close = text.find(')');
      if (end.ec != std::errc() || close == std::string_view::npos || *end.ptr != '*') {
        throw std::runtime_error("\\( without N*TEXT)");
      }
      const size_t from = static_cast<size_t>(end.ptr - text.data()) + 1;
      const std::string part = unescape(text.substr(from, close - from));
      text.remove_prefix(close + 1);
      std::string out;
      for (size_t i = 0; i < times; ++i) out += part;
      return out;
    }
    default: throw std::runtime_error(std::string("unknown escape \\") + kind);
  }
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\') {
      out += take_escape(text);
    } else {
      out += c;
    }
  }
  return out;
}

std::string escape(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\0') {
      out += "\\0";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<HttpCase> parse_case_file(const std::string& file_name, std::string_view text) {
  enum class Place { prose, bytes, log };
  std::vector<HttpCase> cases;
  Place place = Place::prose;
  std::string raw_bytes;  // of the block being read, its line breaks dropped
  bool has_bytes = true;
  bool has_log = true;
  const auto check_last = [&] {
    if (!has_bytes || !has_log) throw std::runtime_error(cases.back().name + ": a block is missing");
  };
  for (const std::string& line : split_lines(text)) {
    const bool is_fence = line.starts_with("```");
    if (place == Place::bytes && !is_fence) {
      raw_bytes += line;
    } else if (place == Place::log && !is_fence) {
      cases.back().log.push_back(line);
    } else if (place != Place::prose) {
      if (place == Place::bytes) cases.back().bytes = unescape(std::exchange(raw_bytes, {}));
      place = Place::prose;
    } else if (line.starts_with("## ")) {
      check_last();
      cases.push_back({.name = file_name + ": " + line.substr(3), .kind = {}, .bytes = {}, .log = {}});
      has_bytes = has_log = false;
    } else if (is_fence) {
      if (cases.empty()) throw std::runtime_error(file_name + ": a block before the first heading");
      if (line.starts_with("```http ") && !has_bytes) {
        cases.back().kind = line.substr(8);
        place = Place::bytes;
        has_bytes = true;
      } else if (line == "```events" && has_bytes && !has_log) {
        place = Place::log;
        has_log = true;
      } else {
        throw std::runtime_error(cases.back().name + ": block not understood: " + line);
      }
    }
  }
  if (place != Place::prose) throw std::runtime_error(file_name + ": a block without end");
  check_last();
  return cases;
}

}  // namespace bobbin::test
