#include "tests/http_cases/case_log.h"

#include <stdexcept>

#include "proto_http/request_parser.h"
#include "proto_http/response_parser.h"
#include "tests/http_cases/case_file.h"

namespace bobbin::test {
namespace {

using http::Event;
using http::Framing;

// Long runs of one byte are told by their number.
std::string shorten(std::string_view text) {
  return text.size() > 200 ? '(' + std::to_string(text.size()) + " bytes)" : escape(text);
}

class Log {
 public:
  void add(std::string line) {
    flush_body();
    lines_.push_back(std::move(line));
  }
  void add_body(std::string_view piece) {
    if (piece.empty()) throw std::runtime_error("an empty body piece");
    body_ += piece;
  }
  std::vector<std::string> take() {
    flush_body();
    return std::move(lines_);
  }

 private:
  void flush_body() {
    if (body_.empty()) return;
    lines_.push_back(body_.size() > 200 ? "body " + shorten(body_) : "body \"" + escape(body_) + '"');
    body_.clear();
  }

  std::vector<std::string> lines_;
  std::string body_;
};

template <class Head>
std::string describe_connection(const Head& head) {
  std::string out = " 1." + std::to_string(head.minor_version());
  out += head.keep_alive() ? " keep-alive" : " close";
  switch (head.framing()) {
    case Framing::none: return out + " none";
    case Framing::length: return out + " length=" + std::to_string(head.content_length());
    case Framing::chunked: return out + " chunked";
    case Framing::until_close: return out + " until-close";
  }
  return out;
}

template <class Head>
void log_fields(Log& log, const Head& head) {
  for (const http::HeaderField field : head.headers()) {
    bool is_shown = true;
    for (const std::string_view name : {"host", "content-length", "transfer-encoding"}) {
      if (http::equals_ignoring_case(field.name, name)) is_shown = false;
    }
    if (!is_shown) continue;
    // Views of the field must be those that find_header gives, whichever way one asks.
    if (head.header_count(field.name) == 1 && head.find_header(field.name) != field.value) {
      throw std::runtime_error("find_header gives another value");
    }
    log.add("field " + std::string(field.name) + ": " + shorten(field.value));
  }
}

void log_head(Log& log, const http::RequestHead& head) {
  log.add("head " + std::string(head.method_text()) + ' ' + shorten(head.target()) + describe_connection(head) +
          (head.expect_continue() ? " expect-continue" : ""));
  if (head.host() != "a") log.add("host " + std::string(head.host()));
  if (head.path() != head.target()) {
    log.add("path " + std::string(head.path()));
    log.add("query " + std::string(head.query()));
  }
  log_fields(log, head);
}

void log_error(Log& log, const http::ParserError& error) {
  log.add("error " + (error.status == 0 ? std::string() : std::to_string(error.status) + ' ') + code_name(error.code) +
          ": " + error.detail);
}

std::vector<std::string> request_log(const std::vector<std::string_view>& pieces) {
  Log log;
  http::RequestParser parser;
  for (std::string_view piece : pieces) {
    for (bool is_going_on = true; is_going_on;) {
      switch (parser.next(piece)) {
        case Event::need_more:
          if (!piece.empty()) throw std::runtime_error("need_more, but input is left");
          is_going_on = false;
          break;
        case Event::head: log_head(log, parser.head()); break;
        case Event::body: log.add_body(parser.body_piece()); break;
        case Event::complete: log.add("complete"); break;
        case Event::error: log_error(log, parser.error()); return log.take();
      }
    }
  }
  if (!parser.at_boundary()) log.add("waiting");
  return log.take();
}

// False after the last event.
bool log_response_event(Log& log, const http::ResponseParser& parser, Event event) {
  switch (event) {
    case Event::need_more: return false;
    case Event::head: {
      const http::ResponseHead& head = parser.head();
      const std::string reason = head.reason().empty() ? "" : ' ' + shorten(head.reason());
      log.add("head " + std::to_string(head.status()) + reason + describe_connection(head));
      log_fields(log, head);
      return true;
    }
    case Event::body: log.add_body(parser.body_piece()); return true;
    case Event::complete: log.add("complete"); return false;
    case Event::error: log_error(log, parser.error()); return false;
  }
  return false;
}

std::vector<std::string> response_log(http::RequestKind kind, const std::vector<std::string_view>& pieces) {
  Log log;
  http::ResponseParser parser(kind);
  size_t left_bytes = 0;
  Event event = Event::need_more;
  for (std::string_view piece : pieces) {
    while (event != Event::complete && event != Event::error) {
      event = parser.next(piece);
      if (!log_response_event(log, parser, event)) break;
    }
    left_bytes += piece.size();
  }
  if (event == Event::need_more) {
    event = parser.finish();
    log_response_event(log, parser, event);
  }
  if (left_bytes > 0 && event == Event::complete) log.add("left " + std::to_string(left_bytes) + " bytes");
  return log.take();
}

}  // namespace

std::vector<std::string> event_log(std::string_view kind, const std::vector<std::string_view>& pieces) {
  if (kind == "request") return request_log(pieces);
  if (kind == "response") return response_log(http::RequestKind::normal, pieces);
  if (kind == "response head") return response_log(http::RequestKind::head, pieces);
  if (kind == "response connect") return response_log(http::RequestKind::connect, pieces);
  throw std::runtime_error("unknown kind of case: " + std::string(kind));
}

}  // namespace bobbin::test
