#include "proto_http/header_scan.h"

#include <charconv>

#include "proto_http/characters.h"
#include "src/base/assert.h"

namespace bobbin::http {
namespace {

ParserError malformed(const char* detail) { return {400, Code::malformed, detail}; }
ParserError not_implemented(const char* detail) { return {501, Code::not_implemented, detail}; }

ByteRange range_in(std::string_view whole, std::string_view part) {
  return {static_cast<uint32_t>(part.data() - whole.data()), static_cast<uint32_t>(part.size())};
}

// `line` without its CRLF, which the gatherer has seen.
std::string_view without_line_end(std::string_view line) {
  BOBBIN_ASSERT(line.ends_with("\r\n"));
  return line.substr(0, line.size() - 2);
}

std::optional<int> minor_version_of(std::string_view version) {
  if (version == "HTTP/1.1") return 1;
  if (version == "HTTP/1.0") return 0;
  return std::nullopt;
}

// The part of an absolute target after `http://` or `https://`; nullopt for other targets.
std::optional<std::string_view> after_scheme(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

std::optional<ParserError> scan_target(std::string_view line, std::string_view method, std::string_view target,
                                       RequestLine& out) {
  if (target.find('#') != std::string_view::npos) return malformed("a fragment in the request target");
  std::string_view path = target;
  if (const std::optional<std::string_view> rest = after_scheme(target)) {
    const std::string_view authority = rest->substr(0, rest->find_first_of("/?"));
    if (!is_host_and_port(authority)) return malformed("the request target has no valid host");
    out.is_absolute = true;
    out.host = range_in(line, authority);
    path = rest->substr(authority.size());
  } else if (target == "*") {
    if (method != "OPTIONS") return malformed("the request target * is for OPTIONS");
  } else if (!target.starts_with('/')) {
    return malformed("the request target is neither a path nor an http URL");
  }
  const size_t question = path.find('?');
  out.path = range_in(line, path.substr(0, question));
  if (question != std::string_view::npos) out.query = range_in(line, path.substr(question + 1));
  return std::nullopt;
}

// The value of a Content-Length field: 1 to 19 digits below 2^63.
std::optional<uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  for (const char c : text) {
    if (!is_digit(static_cast<unsigned char>(c))) return std::nullopt;  // from_chars would take more than digits only
  }
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);  // 19 digits always fit 64 bits
  if (value > INT64_MAX) return std::nullopt;
  return value;
}

// `value` is not exactly `chunked`: a list that asks for codings we do not have is 501, all else 400.
ParserError refuse_transfer_encoding(std::string_view value) {
  bool has_other_coding = false;
  while (true) {
    const size_t comma = value.find(',');
    const std::string_view coding = trim_white_space(value.substr(0, comma));
    if (!is_token(coding)) return malformed("Transfer-Encoding is malformed");
    if (!equals_ignoring_case(coding, "chunked")) has_other_coding = true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  if (has_other_coding) return not_implemented("the only Transfer-Encoding here is chunked");
  return malformed("chunked twice in Transfer-Encoding");
}

// What both kinds of messages have in common. Leaves `framing` alone when neither field is there.
std::optional<ParserError> judge_framing(const HeaderBlock& headers, MessageRules& out) {
  const size_t length_count = headers.count("content-length");
  const size_t coding_count = headers.count("transfer-encoding");
  if (length_count > 0 && coding_count > 0) return malformed("Transfer-Encoding together with Content-Length");
  if (length_count > 1) return malformed("Content-Length more than once");
  if (coding_count > 1) return malformed("Transfer-Encoding more than once");
  if (coding_count == 1) {
    const std::string_view value = *headers.find("transfer-encoding");
    if (!equals_ignoring_case(value, "chunked")) return refuse_transfer_encoding(value);
    out.framing = Framing::chunked;
  }
  if (length_count == 1) {
    const std::optional<uint64_t> length = parse_content_length(*headers.find("content-length"));
    if (!length) return malformed("Content-Length is not a number below 2^63");
    out.framing = Framing::length;
    out.content_length = *length;
  }
  return std::nullopt;
}

bool any_field_has_token(const HeaderBlock& headers, std::string_view name, std::string_view token) {
  for (const HeaderField field : headers) {
    if (equals_ignoring_case(field.name, name) && list_has_token(field.value, token)) return true;
  }
  return false;
}

// RFC 9112 §9.3; `close` wins over `keep-alive`.
bool connection_stays(const HeaderBlock& headers, int minor_version) {
  if (any_field_has_token(headers, "connection", "close")) return false;
  return minor_version >= 1 || any_field_has_token(headers, "connection", "keep-alive");
}

}  // namespace

std::optional<ParserError> scan_request_line(std::string_view line, RequestLine& out) {
  out = {};
  const std::string_view text = without_line_end(line);
  const size_t first_space = text.find(' ');
  const size_t second_space = first_space == std::string_view::npos ? first_space : text.find(' ', first_space + 1);
  if (second_space == std::string_view::npos) return malformed("the request line is not: method, target, version");
  const std::string_view method = text.substr(0, first_space);
  const std::string_view target = text.substr(first_space + 1, second_space - first_space - 1);
  const std::string_view version = text.substr(second_space + 1);
  if (!is_token(method)) return malformed("the method is no token");
  if (target.empty()) return malformed("more than one space in the request line, or no target");
  const std::optional<int> minor_version = minor_version_of(version);
  if (!minor_version) return malformed("the version is neither HTTP/1.1 nor HTTP/1.0");
  // The target of CONNECT has a form of its own, and there is nothing to connect to.
  if (method == "CONNECT") return not_implemented("CONNECT");
  out.method = range_in(line, method);
  out.target = range_in(line, target);
  out.minor_version = *minor_version;
  return scan_target(line, method, target, out);
}

std::optional<ParserError> scan_status_line(std::string_view line, StatusLine& out) {
  out = {};
  const std::string_view text = without_line_end(line);
  constexpr size_t kVersionBytes = 8;
  constexpr size_t kStatusEnd = kVersionBytes + 1 + 3;
  const std::optional<int> minor_version = minor_version_of(text.substr(0, kVersionBytes));
  if (!minor_version) return malformed("the answer is neither HTTP/1.1 nor HTTP/1.0");
  if (text.size() < kStatusEnd || text[kVersionBytes] != ' ') return malformed("the answer has no status");
  int status = 0;
  for (const char digit : text.substr(kVersionBytes + 1, 3)) {
    if (!is_digit(static_cast<unsigned char>(digit))) return malformed("the answer's status is no number");
    status = status * 10 + (digit - '0');
  }
  if (status < 100) return malformed("the answer's status is below 100");
  if (text.size() > kStatusEnd && text[kStatusEnd] != ' ')
    return malformed("the answer's status has more than 3 digits");
  if (text.size() > kStatusEnd) out.reason = range_in(line, text.substr(kStatusEnd + 1));
  out.status = status;
  out.minor_version = *minor_version;
  return std::nullopt;
}

std::optional<ParserError> scan_fields(std::string_view head, size_t first_line_bytes, size_t headers_max,
                                       std::vector<HeaderBlock::Span>& out) {
  out.clear();
  std::string_view rest = head.substr(first_line_bytes);
  while (true) {
    const size_t line_bytes = rest.find("\r\n");
    BOBBIN_ASSERT(line_bytes != std::string_view::npos);  // the gatherer has seen the blank line
    if (line_bytes == 0) return std::nullopt;
    const std::string_view line = rest.substr(0, line_bytes);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a header line without a colon");
    const std::string_view name = line.substr(0, colon);
    if (!is_token(name)) return malformed("a header name is no token");  // also white space before the colon
    if (out.size() == headers_max) return ParserError{431, Code::header_too_large, "too many header fields"};
    const std::string_view value = trim_white_space(line.substr(colon + 1));
    const ByteRange name_range = range_in(head, name);
    const ByteRange value_range = range_in(head, value);
    out.push_back({name_range.at, name_range.bytes, value_range.at, value_range.bytes});
    rest.remove_prefix(line_bytes + 2);
  }
}

std::optional<ParserError> judge_request(const HeaderBlock& headers, int minor_version, MessageRules& out) {
  out = {};
  const size_t host_count = headers.count("host");
  if (host_count > 1) return malformed("Host more than once");
  if (host_count == 0 && minor_version >= 1) return malformed("Host is missing");
  if (host_count == 1 && !is_host_and_port(*headers.find("host"))) return malformed("Host is no host");
  if (minor_version == 0 && headers.count("transfer-encoding") > 0) {
    return malformed("Transfer-Encoding in HTTP/1.0");
  }
  if (std::optional<ParserError> error = judge_framing(headers, out)) return error;
  out.wants_keep_alive = connection_stays(headers, minor_version);
  out.keep_alive = out.wants_keep_alive;
  const bool has_body = out.framing == Framing::chunked || out.content_length > 0;
  out.expect_continue = minor_version >= 1 && has_body && any_field_has_token(headers, "expect", "100-continue");
  return std::nullopt;
}

std::optional<ParserError> judge_response(const HeaderBlock& headers, int minor_version, MessageRules& out) {
  out = {.framing = Framing::until_close};
  if (std::optional<ParserError> error = judge_framing(headers, out)) return error;
  out.wants_keep_alive = connection_stays(headers, minor_version);
  out.keep_alive = out.wants_keep_alive && out.framing != Framing::until_close;
  // RFC 9112 §6.1: the framing of such an answer is doubtful, so nothing may follow it.
  if (minor_version == 0 && out.framing == Framing::chunked) out.keep_alive = false;
  return std::nullopt;
}

}  // namespace bobbin::http
