// Proves: what append_chunk writes, ChunkDecoder reads back, however it is cut; and random near-chunked bytes give the
// same verdict in any pieces.

#include "proto_http/chunk_decoder.h"

#include "proto_http/response_writer.h"
#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;

namespace {

// Body, then how it ended; bytes after the end are told by their number.
std::string decode(const std::vector<std::string_view>& pieces) {
  ChunkDecoder decoder{ParserLimits{}};
  std::string out;
  size_t left = 0;
  Event event = Event::need_more;
  for (std::string_view piece : pieces) {
    while (event != Event::complete && event != Event::error) {
      event = decoder.next(piece);
      if (event == Event::need_more) break;
      if (event == Event::body) out += decoder.piece();
    }
    left += piece.size();
  }
  if (event == Event::error) return out + "|" + decoder.error().detail;
  return out + (event == Event::complete ? "|complete " + std::to_string(left) : "|waiting");
}

}  // namespace

TEST_CASE(written_chunks_are_read_back) {
  std::mt19937_64 random = bobbin::test::seeded_random("written_chunks_are_read_back");
  for (int round = 0; round < 200; ++round) {
    std::string wire;
    std::string body;
    for (size_t chunk = bobbin::test::random_below(random, 6); chunk > 0; --chunk) {
      std::string data(bobbin::test::random_below(random, 40), '\0');
      for (char& c : data) c = "\r\n0;\xff"[bobbin::test::random_below(random, 5)];
      append_chunk(wire, data);
      body += data;
    }
    append_last_chunk(wire);
    wire += "rest";
    CHECK_EQ(decode(bobbin::test::random_pieces(random, wire)), body + "|complete 4");
  }
}

TEST_CASE(a_decoder_stays_in_its_error) {
  ChunkDecoder decoder{ParserLimits{}};
  std::string_view bad = "x";
  CHECK_EQ(decoder.next(bad), Event::error);
  std::string_view good = "0\r\n\r\n";
  CHECK_EQ(decoder.next(good), Event::error);
  CHECK_EQ(good.size(), 5u);
  decoder.reset();
  CHECK_EQ(decoder.next(good), Event::complete);
}

TEST_CASE(cuts_do_not_change_the_verdict_on_near_chunked_bytes) {
  std::mt19937_64 random = bobbin::test::seeded_random("cuts_do_not_change_the_verdict_on_near_chunked_bytes");
  constexpr std::string_view kParts[] = {"0",  "2",    "\r\n", "\r\n", "\r\n",  "ab", "2\r\nab\r\n", "0\r\n\r\n",
                                         ";x", "X: 1", "\n",   "\r",   "0\r\n", " ",  "f",           ":"};
  for (int round = 0; round < 5000; ++round) {
    const std::string bytes = bobbin::test::random_text(random, kParts, 1 + bobbin::test::random_below(random, 10));
    CHECK_EQ(decode(bobbin::test::random_pieces(random, bytes)), decode({bytes}));
  }
}
