#include "proto_http/request_parser.h"

#include <algorithm>
#include <utility>

#include "proto_http/llhttp_check.h"

namespace bobbin::http {
namespace {

constexpr std::pair<std::string_view, Method> kMethods[] = {
    {"GET", Method::get},     {"HEAD", Method::head},      {"POST", Method::post},       {"PUT", Method::put},
    {"PATCH", Method::patch}, {"DELETE", Method::delete_}, {"OPTIONS", Method::options},
};

Method method_of(std::string_view text) {
  for (const auto& [name, method] : kMethods) {
    if (name == text) return method;
  }
  return Method::other;
}

}  // namespace

const char* method_name(Method method) noexcept {
  for (const auto& [name, known] : kMethods) {
    if (known == method) return name.data();
  }
  return "other";
}

std::string_view RequestHead::path() const noexcept {
  if (line_.path.bytes > 0) return view(line_.path);
  // RFC 9112 §3.2.4: OPTIONS for a whole server comes through a proxy as a URL without path and query.
  return method_ == Method::options && line_.query.bytes == 0 ? "*" : "/";
}

RequestParser::RequestParser(const ParserLimits& limits)
    : limits_(limits),
      gather_(HeadGatherer::Kind::request, {limits.request_line_bytes_max, limits.header_block_bytes_max}),
      chunks_(limits) {}

Event RequestParser::next(std::string_view& input) {
  switch (state_) {
    case State::head: return next_head(input);
    case State::fixed_body: return next_fixed_body(input);
    case State::chunked_body: return next_chunked_body(input);
    case State::failed: break;
  }
  return Event::error;
}

Event RequestParser::next_head(std::string_view& input) {
  while (true) {
    switch (gather_.next(input)) {
      case HeadGatherer::Step::need_more: return Event::need_more;
      case HeadGatherer::Step::refused: return fail_with(gather_.error());
      case HeadGatherer::Step::first_line: {
        // Judged before the fields have come: what speaks another protocol is refused at once.
        first_line_bytes_ = gather_.bytes().size();
        const std::optional<ParserError> error = scan_request_line(gather_.bytes(), line_);
        if (error) return fail_with(*error);
        break;
      }
      case HeadGatherer::Step::complete: {
        const std::optional<ParserError> error = judge_head();
        if (error) return fail_with(*error);
        return Event::head;
      }
    }
  }
}

std::optional<ParserError> RequestParser::judge_head() {
  std::string bytes = gather_.take();
  std::vector<HeaderBlock::Span> spans;
  std::optional<ParserError> error = scan_fields(bytes, first_line_bytes_, limits_.headers_max, spans);
  if (error) return error;

  RequestHead head;
  head.line_ = line_;
  head.headers_ = HeaderBlock(std::move(bytes), std::move(spans));
  MessageRules rules;
  error = judge_request(head.headers_, line_.minor_version, rules);
  if (!error) error = confirm_request(head.headers_, line_, rules);
  if (error) return error;

  head.method_ = method_of(head.method_text());
  head.framing_ = rules.framing;
  head.content_length_ = rules.content_length;
  head.keep_alive_ = rules.keep_alive;
  head.expect_continue_ = rules.expect_continue;
  if (!line_.is_absolute) {
    if (const std::optional<std::string_view> host = head.headers_.find("host")) {
      head.line_.host = {static_cast<uint32_t>(host->data() - head.headers_.bytes().data()),
                         static_cast<uint32_t>(host->size())};
    }
  }
  head_ = std::move(head);
  body_bytes_left_ = rules.content_length;
  state_ = rules.framing == Framing::chunked ? State::chunked_body : State::fixed_body;
  return std::nullopt;
}

// Also a request without a body: zero bytes are left.
Event RequestParser::next_fixed_body(std::string_view& input) {
  if (body_bytes_left_ == 0) {
    state_ = State::head;
    return Event::complete;
  }
  if (input.empty()) return Event::need_more;
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(body_bytes_left_, input.size()));
  body_piece_ = input.substr(0, bytes);
  input.remove_prefix(bytes);
  body_bytes_left_ -= bytes;
  return Event::body;
}

Event RequestParser::next_chunked_body(std::string_view& input) {
  const Event event = chunks_.next(input);
  if (event == Event::error) return fail_with(chunks_.error());
  if (event == Event::body) body_piece_ = chunks_.piece();
  if (event == Event::complete) state_ = State::head;
  return event;
}

Event RequestParser::fail_with(const ParserError& error) {
  state_ = State::failed;
  error_ = error;
  return Event::error;
}

}  // namespace bobbin::http
