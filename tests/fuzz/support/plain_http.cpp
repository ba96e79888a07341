#include "tests/fuzz/support/plain_http.h"

#include <cctype>
#include <cstdlib>

namespace bobbin::fuzz {
namespace {

bool has_control(std::string_view line, bool tab_allowed) {
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && !(byte == '\t' && tab_allowed)) || byte == 0x7f) return true;
  }
  return false;
}

bool is_name(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return out;
}

std::string trim(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t") - from + 1));
}

bool is_all_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

}  // namespace

size_t PlainHead::count(std::string_view name) const {
  size_t found = 0;
  for (const auto& field : fields) found += field.first == name ? 1 : 0;
  return found;
}

std::string PlainHead::value(std::string_view name) const {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return {};
}

std::optional<PlainHead> read_plain_head(std::string_view text) {
  PlainHead head;
  for (bool is_first = true;; is_first = false) {
    const std::string_view rest = text.substr(head.bytes);
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest.substr(0, end);
    head.bytes += end + 2;
    if (has_control(line, !is_first)) return std::nullopt;
    if (is_first) {
      head.first_line = line;
      continue;
    }
    if (line.empty()) return head;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_name(line.substr(0, colon))) return std::nullopt;
    head.fields.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
}

std::optional<PlainLength> read_plain_length(const PlainHead& head) {
  const size_t lengths = head.count("content-length");
  const size_t codings = head.count("transfer-encoding");
  if (lengths + codings > 1) return std::nullopt;
  if (codings == 1) {
    if (lower(head.value("transfer-encoding")) != "chunked") return std::nullopt;
    return PlainLength{.framing = PlainFraming::chunked};
  }
  if (lengths == 0) return PlainLength{};
  const std::string digits = head.value("content-length");
  if (!is_all_of(digits, "0123456789") || digits.size() > 19) return std::nullopt;
  const uint64_t length = std::strtoull(digits.c_str(), nullptr, 10);
  if (length > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return PlainLength{.framing = PlainFraming::length, .length = length};
}

PlainBody read_plain_chunks(std::string_view text) {
  PlainBody body;
  size_t at = 0;
  // The next line without its end; nullopt: there is no end.
  const auto next_line = [&]() -> std::optional<std::string_view> {
    const size_t end = text.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(at, end - at);
    at = end + 2;
    return line;
  };
  const auto end_with = [&](PlainBody::End end) {
    body.end = end;
    body.raw_bytes = at;
    return body;
  };
  while (true) {
    const std::optional<std::string_view> line = next_line();
    if (!line) return end_with(PlainBody::End::cut);
    const std::string size(line->substr(0, line->find(';')));
    if (!is_all_of(size, "0123456789abcdefABCDEF") || size.size() > 16 || has_control(*line, true)) {
      return end_with(PlainBody::End::malformed);
    }
    const uint64_t bytes = std::strtoull(size.c_str(), nullptr, 16);
    if (bytes > static_cast<uint64_t>(INT64_MAX)) return end_with(PlainBody::End::malformed);
    if (bytes == 0) break;
    if (text.size() - at < bytes) {
      body.bytes += text.substr(at);
      return end_with(PlainBody::End::cut);
    }
    body.bytes += text.substr(at, bytes);
    at += bytes;
    if (text.size() - at < 2) return end_with(PlainBody::End::cut);
    if (text.substr(at, 2) != "\r\n") return end_with(PlainBody::End::malformed);
    at += 2;
  }
  while (true) {
    const std::optional<std::string_view> line = next_line();
    if (!line) return end_with(PlainBody::End::cut);
    if (line->empty()) return end_with(PlainBody::End::complete);
    const size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_name(line->substr(0, colon)) || has_control(*line, true)) {
      return end_with(PlainBody::End::malformed);
    }
  }
}

}  // namespace bobbin::fuzz
