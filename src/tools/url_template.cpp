#include "src/tools/url_template.h"

#include <algorithm>

#include "proto_http/characters.h"
#include "src/base/text.h"
#include "src/tools/arguments.h"

namespace bobbin::tools {
namespace {

bool is_dots(std::string_view segment) noexcept { return segment == "." || segment == ".."; }

// Whether a server could read `path` as going up, also one that decodes escapes before it looks for separators.
bool goes_up(std::string_view path) {
  const Result<std::string> decoded = http::percent_decode(path, false);
  if (!decoded) return true;
  std::string_view rest = *decoded;
  for (;;) {
    const size_t end = rest.find_first_of("/\\");
    // A parameter of a segment (`..;x`) is dropped by some before they resolve it.
    const std::string_view segment = rest.substr(0, end);
    if (is_dots(segment.substr(0, segment.find(';')))) return true;
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
  }
}

bool is_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return http::is_unreserved(static_cast<unsigned char>(c));
  });
}

}  // namespace

bool UrlTemplate::take_pieces(std::string_view text, Pieces& pieces, std::string& complaint) {
  while (!text.empty()) {
    const size_t open = text.find_first_of("{}");
    if (open != 0) pieces.push_back({false, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) return true;
    const size_t close = text.find('}', open);
    const std::string_view name =
        close == std::string_view::npos ? std::string_view() : text.substr(open + 1, close - open - 1);
    if (text[open] != '{' || !is_name(name)) {
      complaint = "a hole is written {name}, with letters, digits, `-`, `.`, `_` and `~` in its name";
      return false;
    }
    pieces.push_back({true, std::string(name)});
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.emplace_back(name);
    text.remove_prefix(close + 1);
  }
  return true;
}

std::optional<UrlTemplate> UrlTemplate::parse(std::string_view text, std::string& complaint) {
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    complaint = "the URL has to begin with http:// or https://";
    return std::nullopt;
  }
  const size_t authority_end = std::min(text.find_first_of("/?#", scheme_end + 3), text.size());
  if (text.substr(0, authority_end).find_first_of("{}") != std::string_view::npos) {
    complaint = "scheme, host and port of the URL must be fixed";
    return std::nullopt;
  }
  if (text.find('#') != std::string_view::npos) {
    complaint = "a URL that is called has no fragment";
    return std::nullopt;
  }
  UrlTemplate made;
  const std::string_view rest = text.substr(authority_end);
  const size_t question = rest.find('?');
  if (!made.take_pieces(rest.substr(0, question), made.path_, complaint)) return std::nullopt;
  std::string_view query = question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  while (!query.empty()) {
    const size_t end = query.find('&');
    if (!made.take_pieces(query.substr(0, end), made.query_.emplace_back(), complaint)) return std::nullopt;
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  // With something harmless in each hole it has to be a URL; that also checks what stands around the holes.
  std::string sample;
  bool is_hole = false;
  for (const char c : text) {
    if (c == '{') is_hole = true;
    if (!is_hole) sample.push_back(c);
    if (c == '}') {
      is_hole = false;
      sample.push_back('x');
    }
  }
  Result<http::Url> url = http::parse_url(sample);
  if (!url) {
    complaint = url.error().detail;
    return std::nullopt;
  }
  if (goes_up(url->path)) {
    complaint = "the path of the URL may not have `.` or `..` segments";
    return std::nullopt;
  }
  made.base_ = std::move(*url);
  made.base_.path.clear();
  made.base_.query.clear();
  return made;
}

std::optional<http::Url> UrlTemplate::expand(const JsonValue& arguments, std::string& complaint) const {
  http::Url url = base_;
  for (const Piece& piece : path_) {
    if (!piece.is_name) {
      url.path += piece.text;
      continue;
    }
    const std::optional<std::string> value = argument_text(arguments[piece.text]);
    if (!value || value->empty()) {
      complaint = "The argument \"" + piece.text + "\" is missing or empty.";
      return std::nullopt;
    }
    if (has_control_characters(*value)) {
      complaint = "The argument \"" + piece.text + "\" may not have control characters.";
      return std::nullopt;
    }
    http::append_percent_encoded(url.path, *value);
  }
  if (url.path.empty()) url.path = "/";
  if (goes_up(url.path)) {
    complaint = "The arguments may not make a path with \".\" or \"..\" in it.";
    return std::nullopt;
  }
  for (const Pieces& part : query_) {
    std::string text;
    bool is_complete = true;
    for (const Piece& piece : part) {
      if (!piece.is_name) {
        text += piece.text;
        continue;
      }
      const std::optional<std::string> value = argument_text(arguments[piece.text]);
      if (value) http::append_percent_encoded(text, *value);
      is_complete &= value.has_value();
    }
    if (!is_complete) continue;
    if (!url.query.empty()) url.query += '&';
    url.query += text;
  }
  if (url.path.size() + url.query.size() > kTargetBytesMax) {
    complaint = "The arguments are too long for a URL.";
    return std::nullopt;
  }
  return url;
}

}  // namespace bobbin::tools
