#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto_http/headers.h"
#include "proto_http/parser_types.h"

// The strict scan of a raw head, which stands before llhttp (8.1 accepts far more than RFC 9112 allows).
//
// In two steps, so that no way of cutting the bytes changes the verdict: HeadGatherer judges byte by byte as they come
// (line ends, controls, sizes), then the complete lines are judged as a whole.
namespace bobbin::http {

// A part of the gathered head.
struct ByteRange {
  uint32_t at = 0;
  uint32_t bytes = 0;
};

// Collects one head, from its first byte to the blank line, in bounded memory.
//
// Refuses at the byte in question: CR without LF, LF without CR, NUL and every other control but HTAB in fields, all
// but visible ASCII and single spaces in the first line of a request, a line longer or a head larger than allowed.
class HeadGatherer {
 public:
  enum class Kind : uint8_t { request, response };
  enum class Step : uint8_t { need_more, first_line, complete, refused };

  struct Limits {
    size_t first_line_bytes_max;
    size_t block_bytes_max;
  };

  HeadGatherer(Kind kind, Limits limits) : kind_(kind), limits_(limits) {}

  // Takes bytes from the front of `input` until the first line ends, the head ends, or the input does.
  Step next(std::string_view& input);
  // After `refused`.
  [[nodiscard]] const ParserError& error() const noexcept { return error_; }

  // What has been gathered: after `first_line` that line with its CRLF, after `complete` the whole head.
  // An empty line before a request is not part of it.
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  // Whether no byte of a head has come; an empty line before it does not count.
  [[nodiscard]] bool is_empty() const noexcept { return place_ == Place::start; }
  // Gives the head away and is ready for the next one.
  [[nodiscard]] std::string take();

 private:
  // Where the last byte has left us.
  enum class Place : uint8_t {
    start,
    cr_before_first_line,
    first_line,
    line_start,
    line,
    cr_in_first_line,
    cr_in_line,
    cr_at_line_start,
    done
  };

  Step refuse(int status, Code code, const char* detail);
  std::optional<Step> skip_empty_line(std::string_view& input);
  size_t pass_field_bytes(std::string_view input) noexcept;
  std::optional<Step> take_byte(unsigned char byte);
  std::optional<Step> take_line_byte(unsigned char byte);

  Kind kind_;
  Limits limits_;
  Place place_ = Place::start;
  bool empty_line_skipped_ = false;
  size_t bytes_seen_ = 0;  // of this head; runs ahead of bytes_ within next()
  std::string bytes_;
  ParserError error_;
};

// The first line of a request, as ranges of the head.
struct RequestLine {
  ByteRange method;
  ByteRange target;
  ByteRange path;   // inside target; empty for an absolute target without path
  ByteRange query;  // without the `?`
  ByteRange host;   // of an absolute target; later of the Host field
  bool is_absolute = false;
  int minor_version = 1;
};

struct StatusLine {
  int status = 0;
  ByteRange reason;
  int minor_version = 1;
};

// Judges `METHOD SP TARGET SP HTTP/1.x CRLF`: exactly one space twice; a token; a target of origin form, absolute form
// (http or https with a host) or `*` with OPTIONS; version 1.0 or 1.1. CONNECT is 501, all else 400 — other versions
// too, as api.md has no 505.
std::optional<ParserError> scan_request_line(std::string_view line, RequestLine& out);

// Judges `HTTP/1.x SP NNN [SP reason] CRLF`; the reason may be missing together with its space.
std::optional<ParserError> scan_status_line(std::string_view line, StatusLine& out);

// Splits the fields of `head`, of which the first `first_line_bytes` are passed over. The value is cut of the spaces
// and tabs around it. Refuses: a continuation line, white space before the colon, a name that is no token, no colon,
// more than `headers_max` fields (431).
std::optional<ParserError> scan_fields(std::string_view head, size_t first_line_bytes, size_t headers_max,
                                       std::vector<HeaderBlock::Span>& out);

// What the fields say about the message's body and connection.
struct MessageRules {
  Framing framing = Framing::none;
  uint64_t content_length = 0;
  bool wants_keep_alive = false;  // by version and Connection alone
  bool keep_alive = false;        // and by the framing
  bool expect_continue = false;
};

// The rules of a request. Refuses: Transfer-Encoding with Content-Length, in HTTP/1.0, twice, empty, or (501) other
// than exactly `chunked`; Content-Length twice, even if equal, or not 1 to 19 digits below 2^63; in HTTP/1.1 a Host
// that is missing; everywhere a Host that comes twice or is no host[:port].
std::optional<ParserError> judge_request(const HeaderBlock& headers, int minor_version, MessageRules& out);

// The rules of an answer's fields, before status and request method have their say. As for requests, except:
// Transfer-Encoding in HTTP/1.0 (servers written on Python's http.server send it) is read but ends the connection, and
// without it and Content-Length the body goes on to the end of the connection.
std::optional<ParserError> judge_response(const HeaderBlock& headers, int minor_version, MessageRules& out);

// Whether `text` is an IPv6 address without brackets and zone.
[[nodiscard]] bool is_ipv6_address(std::string_view text) noexcept;

// Whether `text` is host[:port]: a registered name or IPv4 of unreserved characters, percent-escapes and sub-delims
// but the comma, or an IPv6 address in brackets; a port of 0 to 5 digits, 65535 at most. Not empty.
[[nodiscard]] bool is_host_and_port(std::string_view text) noexcept;

}  // namespace bobbin::http
