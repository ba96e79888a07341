// Requests of one connection: any split of the bytes gives the same events, and what is accepted is accepted by a
// second reader too, with the same bodies at the same places: so no accepted request hides another one.

#include "proto_http/request_parser.h"

#include <string>
#include <vector>

#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/plain_http.h"

namespace bobbin::fuzz {
namespace {

using http::Event;
using http::Framing;

struct Message {
  std::string raw_head;
  std::string words;  // the rest of what the head says
  std::string path;
  std::string host;
  std::vector<std::pair<std::string, std::string>> fields;
  Framing framing = Framing::none;
  uint64_t length = 0;
  std::string body;
  bool is_complete = false;
  friend bool operator==(const Message&, const Message&) = default;
};

struct Outcome {
  std::vector<Message> messages;
  std::string error;
  int status = 0;
  bool at_boundary = true;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Message describe(const http::RequestHead& head) {
  Message message;
  message.raw_head = head.headers().bytes();
  message.words = std::string(head.method_text()) + ' ' + std::string(head.target()) + ' ' + std::string(head.query()) +
                  " 1." + std::to_string(head.minor_version()) + (head.keep_alive() ? " keep" : " close") +
                  (head.expect_continue() ? " expect" : "") + ' ' + http::method_name(head.method());
  message.path = head.path();
  message.host = head.host();
  message.framing = head.framing();
  message.length = head.content_length();
  for (const http::HeaderField field : head.headers()) {
    message.fields.emplace_back(field.name, field.value);
    FUZZ_CHECK(head.find_header(field.name).has_value() && head.header_count(field.name) > 0);
  }
  return message;
}

// False after an error.
bool take_events(http::RequestParser& parser, std::string_view input, Outcome& outcome) {
  while (true) {
    switch (parser.next(input)) {
      case Event::need_more: FUZZ_CHECK(input.empty()); return true;
      case Event::head: outcome.messages.push_back(describe(parser.head())); break;
      case Event::body:
        FUZZ_CHECK(!parser.body_piece().empty());
        outcome.messages.back().body += parser.body_piece();
        break;
      case Event::complete: outcome.messages.back().is_complete = true; break;
      case Event::error: {
        outcome.error = parser.error().detail;
        outcome.status = parser.error().status;
        FUZZ_CHECK(outcome.status >= 400 && outcome.status <= 599 && !outcome.error.empty());
        std::string_view more = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        FUZZ_CHECK(parser.next(more) == Event::error);
        return false;
      }
    }
  }
}

Outcome read(std::string_view input, Cut cut, const http::ParserLimits& limits) {
  http::RequestParser parser(limits);
  Outcome outcome;
  feed_pieces(input, cut, [&](std::string_view piece) { return take_events(parser, piece, outcome); });
  outcome.at_boundary = parser.at_boundary();
  return outcome;
}

void check_line(const PlainHead& head, const Message& message) {
  const std::string& line = head.first_line;
  const size_t first = line.find(' ');
  const size_t second = line.find(' ', first + 1);
  FUZZ_CHECK(first != std::string::npos && first > 0 && second > first + 1 && second != std::string::npos);
  const std::string version = line.substr(second + 1);
  FUZZ_CHECK(version == "HTTP/1.1" || version == "HTTP/1.0");
  FUZZ_CHECK(head.count("host") == 1 || (head.count("host") == 0 && version == "HTTP/1.0"));
  FUZZ_CHECK(version == "HTTP/1.1" || head.count("transfer-encoding") == 0);
  FUZZ_CHECK(message.path.starts_with('/') || message.path == "*");
  FUZZ_CHECK(message.host.find_first_of("@/?#, \\") == std::string::npos);
  const std::string target = line.substr(first + 1, second - first - 1);
  if (target.starts_with('/')) FUZZ_CHECK(message.host == head.value("host"));
}

// The second reader's way through the same bytes.
void check_plainly(std::string_view rest, const Outcome& outcome) {
  for (const Message& message : outcome.messages) {
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);
    const std::optional<PlainHead> head = read_plain_head(rest);
    FUZZ_CHECK(head.has_value());
    FUZZ_CHECK(rest.substr(0, head->bytes) == message.raw_head);
    check_line(*head, message);
    FUZZ_CHECK(head->fields.size() == message.fields.size());
    for (size_t i = 0; i < head->fields.size(); ++i) {
      FUZZ_CHECK(http::equals_ignoring_case(head->fields[i].first, message.fields[i].first));
      FUZZ_CHECK(head->fields[i].second == message.fields[i].second);
    }
    const std::optional<PlainLength> length = read_plain_length(*head);
    FUZZ_CHECK(length.has_value());
    rest.remove_prefix(head->bytes);
    if (length->framing == PlainFraming::chunked) {
      FUZZ_CHECK(message.framing == Framing::chunked);
      const PlainBody body = read_plain_chunks(rest);
      FUZZ_CHECK(body.bytes.starts_with(message.body));
      FUZZ_CHECK((body.end == PlainBody::End::complete) == message.is_complete || !outcome.error.empty());
      if (!message.is_complete) return;
      FUZZ_CHECK(body.bytes == message.body);
      rest.remove_prefix(body.raw_bytes);
      continue;
    }
    FUZZ_CHECK(message.framing == (length->framing == PlainFraming::length ? Framing::length : Framing::none));
    FUZZ_CHECK(length->length == message.length);
    FUZZ_CHECK(message.body == rest.substr(0, length->length));
    FUZZ_CHECK(message.is_complete == (rest.size() >= length->length));
    rest.remove_prefix(message.body.size());
  }
}

void check(std::string_view input, const http::ParserLimits& limits) {
  const std::vector<Cut> cuts = cuts_of(input);
  const Outcome whole = read(input, cuts.front(), limits);
  for (size_t i = 1; i < cuts.size(); ++i) FUZZ_CHECK(read(input, cuts[i], limits) == whole);
  check_plainly(input, whole);
}

}  // namespace

void run(std::string_view input) {
  check(input, {});
  // Limits that short inputs reach.
  check(input, {.request_line_bytes_max = 40,
                .header_block_bytes_max = 100,
                .headers_max = 3,
                .chunk_line_bytes_max = 12,
                .chunk_extension_bytes_max = 16,
                .trailer_bytes_max = 16});
}

}  // namespace bobbin::fuzz
