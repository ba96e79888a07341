// Chunked bodies: any split of the bytes gives the same body and the same end, which are those of a second reader.

#include "proto_http/chunk_decoder.h"

#include <string>

#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/plain_http.h"

namespace bobbin::fuzz {
namespace {

using http::Event;

struct Outcome {
  std::string body;
  Event end = Event::need_more;
  size_t left_bytes = 0;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void take_events(http::ChunkDecoder& decoder, std::string_view& piece, Outcome& outcome) {
  while (true) {
    outcome.end = decoder.next(piece);
    FUZZ_CHECK(outcome.end != Event::head);
    if (outcome.end != Event::body) break;
    FUZZ_CHECK(!decoder.piece().empty());
    outcome.body += decoder.piece();
  }
  if (outcome.end == Event::error) outcome.error = decoder.error().detail;
}

Outcome read(http::ChunkDecoder& decoder, std::string_view input, Cut cut) {
  Outcome outcome;
  feed_pieces(input, cut, [&](std::string_view piece) {
    if (outcome.end == Event::need_more) take_events(decoder, piece, outcome);
    outcome.left_bytes += piece.size();
    return outcome.end != Event::error;
  });
  if (outcome.end == Event::error) outcome.left_bytes = 0;
  return outcome;
}

void check(std::string_view input, const http::ParserLimits& limits, bool limits_are_far) {
  http::ChunkDecoder decoder(limits);  // one for all: reset() has to forget everything
  const std::vector<Cut> cuts = cuts_of(input);
  const Outcome whole = read(decoder, input, cuts.front());
  for (size_t i = 1; i < cuts.size(); ++i) {
    decoder.reset();
    FUZZ_CHECK(read(decoder, input, cuts[i]) == whole);
  }
  const PlainBody plain = read_plain_chunks(input);
  FUZZ_CHECK(plain.bytes.starts_with(whole.body));
  if (whole.end == Event::complete) {
    FUZZ_CHECK(plain.end == PlainBody::End::complete && plain.bytes == whole.body);
    FUZZ_CHECK(whole.left_bytes == input.size() - plain.raw_bytes);
  }
  // Nor is anything refused that is right.
  if (limits_are_far && plain.end == PlainBody::End::complete) FUZZ_CHECK(whole.end == Event::complete);
}

}  // namespace

void run(std::string_view input) {
  check(input, {.chunk_line_bytes_max = 4096, .chunk_extension_bytes_max = 4096, .trailer_bytes_max = 4096}, true);
  check(input, {.chunk_line_bytes_max = 12, .chunk_extension_bytes_max = 16, .trailer_bytes_max = 16}, false);
}

}  // namespace bobbin::fuzz
