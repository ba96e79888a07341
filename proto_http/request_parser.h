#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto_http/chunk_decoder.h"
#include "proto_http/header_scan.h"
#include "proto_http/headers.h"
#include "proto_http/parser_types.h"

namespace bobbin::http {

enum class Method : uint8_t { get, head, post, put, patch, delete_, options, other };

// "GET", …; "other" for Method::other (RequestHead::method_text has the real one).
[[nodiscard]] const char* method_name(Method method) noexcept;

// One request without its body. Owns its bytes and can be moved; all views die with it or when it is moved.
class RequestHead {
 public:
  [[nodiscard]] Method method() const noexcept { return method_; }
  // As sent: methods are case-sensitive, so `get` is Method::other.
  [[nodiscard]] std::string_view method_text() const noexcept { return view(line_.method); }
  // As sent, of visible ASCII only: `/path?query`, `http://host/path?query`, or `*` with OPTIONS.
  [[nodiscard]] std::string_view target() const noexcept { return view(line_.target); }
  // The raw path of the target, before any `?`, percent-escapes as sent: begins with `/`, or is `*`. See split_path.
  [[nodiscard]] std::string_view path() const noexcept;
  // What follows the first `?`, raw; empty when there is none. See query_parameter.
  [[nodiscard]] std::string_view query() const noexcept { return view(line_.query); }
  // Host and port that the request is for: of an absolute target, else of the Host field. Empty in HTTP/1.0 without
  // Host.
  [[nodiscard]] std::string_view host() const noexcept { return view(line_.host); }
  [[nodiscard]] int minor_version() const noexcept { return line_.minor_version; }

  // Whether the client wants another request on this connection after the answer.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  // none, length or chunked.
  [[nodiscard]] Framing framing() const noexcept { return framing_; }
  // Only with Framing::length. Any number up to 2^63 - 1: the caller has a limit of its own.
  [[nodiscard]] uint64_t content_length() const noexcept { return content_length_; }
  // The client waits for `100 Continue` before it sends the body. Never with HTTP/1.0 or without a body.
  [[nodiscard]] bool expect_continue() const noexcept { return expect_continue_; }

  // Names are compared without case. find_header gives the first; see HeaderBlock.
  [[nodiscard]] std::optional<std::string_view> find_header(std::string_view name) const noexcept {
    return headers_.find(name);
  }
  [[nodiscard]] size_t header_count(std::string_view name) const noexcept { return headers_.count(name); }
  // All fields in the order sent: `for (const HeaderField field : head.headers())`.
  [[nodiscard]] const HeaderBlock& headers() const noexcept { return headers_; }

 private:
  friend class RequestParser;

  [[nodiscard]] std::string_view view(ByteRange range) const noexcept {
    return headers_.bytes().substr(range.at, range.bytes);
  }

  HeaderBlock headers_;
  RequestLine line_;
  Method method_ = Method::other;
  Framing framing_ = Framing::none;
  bool keep_alive_ = false;
  bool expect_continue_ = false;
  uint64_t content_length_ = 0;
};

// Reads the requests of one connection from bytes that arrive in any pieces; the pieces change nothing but the cuts
// between body pieces.
//
// Per request: `head`, `body`…, `complete`; then the next request of the same input. Call next() until it says
// need_more or error, also with an empty input after `head`: a request without body completes without further bytes.
// Only framing that no two readers can understand differently is accepted (RFC 9112; header_scan.h has the list); all
// else is `error`, and then forever: the caller answers error().status and closes.
// No limit on the body: the caller counts, and knows the length from the head. One thread at a time.
class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits = {});
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes from the front of `input`, up to the next event.
  Event next(std::string_view& input);

  // From `head` until the next `head`.
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }
  // The same, moved out: head() is then empty, and the parser goes on without it.
  [[nodiscard]] RequestHead take_head() noexcept { return std::exchange(head_, {}); }
  // After `body`: a view into the input given to next().
  [[nodiscard]] std::string_view body_piece() const noexcept { return body_piece_; }
  // After `error`.
  [[nodiscard]] const ParserError& error() const noexcept { return error_; }

  // Whether nothing of a next request has arrived: true at first and after `complete` (an idle connection), false from
  // a request's first byte to its `complete` (header and body timeouts).
  [[nodiscard]] bool at_boundary() const noexcept { return state_ == State::head && gather_.is_empty(); }

 private:
  enum class State : uint8_t { head, fixed_body, chunked_body, failed };

  Event next_head(std::string_view& input);
  Event next_fixed_body(std::string_view& input);
  Event next_chunked_body(std::string_view& input);
  std::optional<ParserError> judge_head();
  Event fail_with(const ParserError& error);

  ParserLimits limits_;
  State state_ = State::head;
  HeadGatherer gather_;
  ChunkDecoder chunks_;
  RequestLine line_;  // of the head being gathered
  size_t first_line_bytes_ = 0;
  RequestHead head_;
  uint64_t body_bytes_left_ = 0;
  std::string_view body_piece_;
  ParserError error_;
};

}  // namespace bobbin::http
