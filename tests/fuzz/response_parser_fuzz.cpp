// One answer, read as that to an ordinary request, to HEAD and to CONNECT: any split of the bytes gives the same
// events, and a second reader finds the same body at the same place.

#include "proto_http/response_parser.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/plain_http.h"

namespace bobbin::fuzz {
namespace {

using http::Event;
using http::Framing;
using http::RequestKind;

struct Outcome {
  bool has_head = false;
  std::string raw_head;
  int status = 0;
  std::string words;
  Framing framing = Framing::none;
  uint64_t length = 0;
  bool keep_alive = false;
  std::string body;
  Event end = Event::need_more;
  bool ended_by_close = false;
  size_t left_bytes = 0;
  std::string error;
  bool at_boundary = true;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void take_head(const http::ResponseHead& head, Outcome& outcome) {
  outcome.has_head = true;
  outcome.raw_head = head.headers().bytes();
  outcome.status = head.status();
  outcome.words = std::string(head.reason()) + " 1." + std::to_string(head.minor_version());
  outcome.framing = head.framing();
  outcome.length = head.content_length();
  outcome.keep_alive = head.keep_alive();
  for (const http::HeaderField field : head.headers()) {
    outcome.words += "\n" + std::string(field.name) + ": " + std::string(field.value);
  }
}

// False after the last event.
bool take_event(http::ResponseParser& parser, Event event, Outcome& outcome) {
  outcome.end = event;
  switch (event) {
    case Event::need_more: return false;
    case Event::head: take_head(parser.head(), outcome); return true;
    case Event::body:
      FUZZ_CHECK(!parser.body_piece().empty());
      outcome.body += parser.body_piece();
      return true;
    case Event::complete: return false;
    case Event::error:
      outcome.error = parser.error().detail;
      FUZZ_CHECK(parser.error().status == 0 && !outcome.error.empty());
      return false;
  }
  return false;
}

Outcome read(std::string_view input, RequestKind kind, Cut cut, const http::ParserLimits& limits) {
  http::ResponseParser parser(kind, limits);
  Outcome outcome;
  feed_pieces(input, cut, [&](std::string_view piece) {
    while (outcome.end != Event::complete && outcome.end != Event::error) {
      if (!take_event(parser, parser.next(piece), outcome)) break;
    }
    outcome.left_bytes += piece.size();
    return outcome.end != Event::error;
  });
  // How much was left behind an error says how it was cut, not what was found.
  if (outcome.end == Event::error) outcome.left_bytes = 0;
  outcome.at_boundary = parser.at_boundary();
  if (outcome.end == Event::need_more) {
    outcome.ended_by_close = true;
    take_event(parser, parser.finish(), outcome);
  }
  return outcome;
}

// The head that counts, behind interim ones.
PlainHead final_head(std::string_view& rest) {
  while (true) {
    const std::optional<PlainHead> head = read_plain_head(rest);
    FUZZ_CHECK(head.has_value());
    FUZZ_CHECK(head->first_line.size() >= 12 && head->first_line.starts_with("HTTP/1."));
    rest.remove_prefix(head->bytes);
    const int status = std::atoi(head->first_line.substr(9, 3).c_str());
    if (status >= 200) return *head;
    FUZZ_CHECK(head->count("content-length") + head->count("transfer-encoding") == 0);
  }
}

void check_plainly(std::string_view rest, RequestKind kind, const Outcome& outcome) {
  if (!outcome.has_head) return;
  const PlainHead head = final_head(rest);
  FUZZ_CHECK(outcome.raw_head.starts_with(head.first_line) && outcome.raw_head.size() == head.bytes);
  const std::optional<PlainLength> length = read_plain_length(head);
  FUZZ_CHECK(length.has_value());
  const bool is_bodiless = kind == RequestKind::head || outcome.status == 204 || outcome.status == 304 ||
                           (kind == RequestKind::connect && outcome.status < 300);
  if (is_bodiless) {
    FUZZ_CHECK(outcome.framing == Framing::none && outcome.body.empty() && outcome.end == Event::complete);
    FUZZ_CHECK(outcome.left_bytes == rest.size());
  } else if (length->framing == PlainFraming::length) {
    FUZZ_CHECK(outcome.framing == Framing::length && outcome.length == length->length);
    FUZZ_CHECK(outcome.body == rest.substr(0, length->length));
    FUZZ_CHECK((outcome.end == Event::complete) == (rest.size() >= length->length));
    if (outcome.end == Event::complete) FUZZ_CHECK(outcome.left_bytes == rest.size() - length->length);
  } else if (length->framing == PlainFraming::chunked) {
    FUZZ_CHECK(outcome.framing == Framing::chunked);
    const PlainBody body = read_plain_chunks(rest);
    FUZZ_CHECK(body.bytes.starts_with(outcome.body));
    if (outcome.end != Event::complete) return;
    FUZZ_CHECK(body.end == PlainBody::End::complete && body.bytes == outcome.body);
    FUZZ_CHECK(outcome.left_bytes == rest.size() - body.raw_bytes);
    FUZZ_CHECK(!outcome.keep_alive || head.first_line.starts_with("HTTP/1.1"));
  } else {
    FUZZ_CHECK(outcome.framing == Framing::until_close && outcome.body == rest && !outcome.keep_alive);
    FUZZ_CHECK(outcome.end == Event::complete && outcome.ended_by_close);
  }
}

void check(std::string_view input, RequestKind kind, const http::ParserLimits& limits) {
  const std::vector<Cut> cuts = cuts_of(input);
  const Outcome whole = read(input, kind, cuts.front(), limits);
  for (size_t i = 1; i < cuts.size(); ++i) FUZZ_CHECK(read(input, kind, cuts[i], limits) == whole);
  check_plainly(input, kind, whole);
}

}  // namespace

void run(std::string_view input) {
  for (const RequestKind kind : {RequestKind::normal, RequestKind::head, RequestKind::connect}) {
    check(input, kind, http::kResponseLimits);
  }
  check(input, RequestKind::normal,
        {.request_line_bytes_max = 32,
         .header_block_bytes_max = 100,
         .headers_max = 3,
         .chunk_line_bytes_max = 12,
         .chunk_extension_bytes_max = 16,
         .trailer_bytes_max = 16});
}

}  // namespace bobbin::fuzz
