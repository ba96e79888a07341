#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "proto_http/chunk_decoder.h"
#include "proto_http/header_scan.h"
#include "proto_http/headers.h"
#include "proto_http/parser_types.h"

namespace bobbin::http {

// What the answer is to: it decides whether there is a body.
enum class RequestKind : uint8_t { normal, head, connect };

// One answer without its body. Owns its bytes and can be moved; all views die with it or when it is moved.
class ResponseHead {
 public:
  // 200..999, never 1xx: those are skipped.
  [[nodiscard]] int status() const noexcept { return line_.status; }
  // As sent; may be empty, may hold bytes above 0x7f.
  [[nodiscard]] std::string_view reason() const noexcept {
    return headers_.bytes().substr(line_.reason.at, line_.reason.bytes);
  }
  [[nodiscard]] int minor_version() const noexcept { return line_.minor_version; }
  // Whether the connection may be used again after `complete`.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  [[nodiscard]] Framing framing() const noexcept { return framing_; }
  // Only with Framing::length.
  [[nodiscard]] uint64_t content_length() const noexcept { return content_length_; }

  [[nodiscard]] std::optional<std::string_view> find_header(std::string_view name) const noexcept {
    return headers_.find(name);
  }
  [[nodiscard]] size_t header_count(std::string_view name) const noexcept { return headers_.count(name); }
  [[nodiscard]] const HeaderBlock& headers() const noexcept { return headers_; }

 private:
  friend class ResponseParser;

  HeaderBlock headers_;
  StatusLine line_;
  Framing framing_ = Framing::none;
  bool keep_alive_ = false;
  uint64_t content_length_ = 0;
};

// A model's server may list many fields or long cookies: 64 KiB.
inline constexpr ParserLimits kResponseLimits{.request_line_bytes_max = 8 * 1024,
                                              .header_block_bytes_max = 64 * 1024,
                                              .headers_max = 200,
                                              .chunk_line_bytes_max = 1024,
                                              .chunk_extension_bytes_max = 64 * 1024,
                                              .trailer_bytes_max = 16 * 1024};

// Reads one answer from bytes that arrive in any pieces: `head`, `body`…, `complete`.
//
// Interim answers (1xx) are skipped, eight at most; 101 is an error, as nobody here asks for it. An answer to
// CONNECT of 2xx has no body: what follows in the input after `complete` is the tunnel's.
// After `complete`, next() stays there and takes nothing: bytes left in the input mean that the connection cannot be
// used again. Errors: malformed, too_large (a limit), not_implemented (another transfer coding), closed (a cut body).
class ResponseParser {
 public:
  explicit ResponseParser(RequestKind kind, const ParserLimits& limits = kResponseLimits);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Ready for the answer to the next request of the same connection.
  void reset(RequestKind kind);

  // Takes bytes from the front of `input`, up to the next event. Call until need_more, complete or error, also with
  // an empty input after `head`.
  Event next(std::string_view& input);
  // The connection has ended: `complete` when the body was to go on until then or was complete already, else `error`
  // with Code::closed. Call after next() has said need_more.
  Event finish();

  // From `head` on.
  [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }
  // The same, moved out: head() is then empty.
  [[nodiscard]] ResponseHead take_head() noexcept { return std::exchange(head_, {}); }
  [[nodiscard]] std::string_view body_piece() const noexcept { return body_piece_; }
  [[nodiscard]] const ParserError& error() const noexcept { return error_; }
  // Whether no byte of the answer has come: a request on a kept connection may then be sent again.
  [[nodiscard]] bool at_boundary() const noexcept {
    return state_ == State::head && interim_count_ == 0 && gather_.is_empty();
  }

 private:
  enum class State : uint8_t { head, fixed_body, chunked_body, open_body, complete, failed };

  Event next_head(std::string_view& input);
  Event next_fixed_body(std::string_view& input);
  Event next_chunked_body(std::string_view& input);
  Event next_open_body(std::string_view& input);
  std::optional<ParserError> judge_head();
  void apply_rules(const MessageRules& rules);
  Event fail_with(ParserError error);

  ParserLimits limits_;
  RequestKind kind_;
  State state_ = State::head;
  int interim_count_ = 0;
  HeadGatherer gather_;
  ChunkDecoder chunks_;
  StatusLine line_;  // of the head being gathered
  size_t first_line_bytes_ = 0;
  ResponseHead head_;
  uint64_t body_bytes_left_ = 0;
  std::string_view body_piece_;
  ParserError error_;
};

}  // namespace bobbin::http
