#include "proto_http/response_parser.h"

#include <algorithm>
#include <utility>

#include "proto_http/llhttp_check.h"

namespace bobbin::http {

// More interim answers than this are no help to anybody.
static constexpr int kInterimAnswersMax = 8;

ResponseParser::ResponseParser(RequestKind kind, const ParserLimits& limits)
    : limits_(limits),
      kind_(kind),
      gather_(HeadGatherer::Kind::response, {limits.request_line_bytes_max, limits.header_block_bytes_max}),
      chunks_(limits) {}

void ResponseParser::reset(RequestKind kind) {
  kind_ = kind;
  state_ = State::head;
  interim_count_ = 0;
  static_cast<void>(gather_.take());
  chunks_.reset();
  head_ = {};
  body_piece_ = {};
  error_ = {};
}

Event ResponseParser::next(std::string_view& input) {
  switch (state_) {
    case State::head: return next_head(input);
    case State::fixed_body: return next_fixed_body(input);
    case State::chunked_body: return next_chunked_body(input);
    case State::open_body: return next_open_body(input);
    case State::complete: return Event::complete;
    case State::failed: break;
  }
  return Event::error;
}

Event ResponseParser::finish() {
  switch (state_) {
    case State::open_body: state_ = State::complete; return Event::complete;
    case State::complete: return Event::complete;
    case State::fixed_body:
      if (body_bytes_left_ == 0) {
        state_ = State::complete;
        return Event::complete;
      }
      break;
    case State::failed: return Event::error;
    case State::head:
    case State::chunked_body: break;
  }
  const bool in_head = state_ == State::head;
  return fail_with({0, Code::closed, in_head ? "the connection ended before the answer" : "the answer's body was cut"});
}

Event ResponseParser::next_head(std::string_view& input) {
  while (true) {
    switch (gather_.next(input)) {
      case HeadGatherer::Step::need_more: return Event::need_more;
      case HeadGatherer::Step::refused: return fail_with(gather_.error());
      case HeadGatherer::Step::first_line: {
        first_line_bytes_ = gather_.bytes().size();
        const std::optional<ParserError> error = scan_status_line(gather_.bytes(), line_);
        if (error) return fail_with(*error);
        break;
      }
      case HeadGatherer::Step::complete: {
        const std::optional<ParserError> error = judge_head();
        if (error) return fail_with(*error);
        if (line_.status >= 200) return Event::head;
        break;  // an interim answer: the real one follows
      }
    }
  }
}

std::optional<ParserError> ResponseParser::judge_head() {
  std::string bytes = gather_.take();
  std::vector<HeaderBlock::Span> spans;
  std::optional<ParserError> error = scan_fields(bytes, first_line_bytes_, limits_.headers_max, spans);
  if (error) return error;
  HeaderBlock headers(std::move(bytes), std::move(spans));
  MessageRules rules;
  error = judge_response(headers, line_.minor_version, rules);
  if (!error) error = confirm_response(headers, line_, rules);
  if (error) return error;

  if (line_.status < 200) {
    if (line_.status == 101) return ParserError{0, Code::malformed, "the server switches protocols unasked"};
    // RFC 9112 §6: no body, so a field that announces one makes the next answer's place doubtful.
    if (rules.framing != Framing::until_close) return ParserError{0, Code::malformed, "an interim answer with a body"};
    if (++interim_count_ > kInterimAnswersMax) return ParserError{0, Code::malformed, "too many interim answers"};
    return std::nullopt;
  }
  head_.headers_ = std::move(headers);
  head_.line_ = line_;
  apply_rules(rules);
  return std::nullopt;
}

// RFC 9112 §6.3: what the request was and the status come before the fields.
void ResponseParser::apply_rules(const MessageRules& rules) {
  const int status = line_.status;
  const bool is_tunnel = kind_ == RequestKind::connect && status < 300;
  const bool is_bodiless = is_tunnel || kind_ == RequestKind::head || status == 204 || status == 304;
  head_.framing_ = is_bodiless ? Framing::none : rules.framing;
  head_.content_length_ = is_bodiless ? 0 : rules.content_length;
  head_.keep_alive_ = rules.keep_alive;
  if (is_bodiless && rules.framing == Framing::until_close) {
    // There is no body to end by closing, so the connection's own fields decide.
    head_.keep_alive_ = rules.wants_keep_alive;
  }
  // A 204 that announces a body is a server that may well send one.
  const bool announces_body = rules.framing == Framing::chunked || rules.content_length > 0;
  if (status == 204 && announces_body && !is_tunnel) head_.keep_alive_ = false;

  body_bytes_left_ = head_.content_length_;
  switch (head_.framing_) {
    case Framing::none:
    case Framing::length: state_ = State::fixed_body; break;
    case Framing::chunked: state_ = State::chunked_body; break;
    case Framing::until_close: state_ = State::open_body; break;
  }
}

// Also an answer without a body: zero bytes are left.
Event ResponseParser::next_fixed_body(std::string_view& input) {
  if (body_bytes_left_ == 0) {
    state_ = State::complete;
    return Event::complete;
  }
  if (input.empty()) return Event::need_more;
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(body_bytes_left_, input.size()));
  body_piece_ = input.substr(0, bytes);
  input.remove_prefix(bytes);
  body_bytes_left_ -= bytes;
  return Event::body;
}

Event ResponseParser::next_chunked_body(std::string_view& input) {
  const Event event = chunks_.next(input);
  if (event == Event::error) return fail_with(chunks_.error());
  if (event == Event::body) body_piece_ = chunks_.piece();
  if (event == Event::complete) state_ = State::complete;
  return event;
}

Event ResponseParser::next_open_body(std::string_view& input) {
  if (input.empty()) return Event::need_more;
  body_piece_ = std::exchange(input, {});
  return Event::body;
}

// The gatherer and the decoder speak of requests: here nobody is answered, and a limit is a limit.
Event ResponseParser::fail_with(ParserError error) {
  error.status = 0;
  if (error.code == Code::uri_too_long) error = {0, Code::too_large, "the answer's status line is too long"};
  if (error.code == Code::header_too_large) error.code = Code::too_large;
  state_ = State::failed;
  error_ = error;
  return Event::error;
}

}  // namespace bobbin::http
