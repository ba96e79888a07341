// Proves: an event is written byte for byte as the standard has it, and no text can forge a field, an event or an id:
// by reading back with our reader and with a second, independent one written from the standard's grammar.

#include "proto_http/sse_writer.h"

#include "proto_http/sse_reader.h"
#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;

namespace {

std::string event(uint64_t id, std::string_view data) {
  std::string out;
  append_sse_event(out, id, data);
  return out;
}

// CRLF and CR as LF: what a reader must see of any text.
std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') {
      out += text[at];
    } else if (at + 1 == text.size() || text[at + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

// The whole stream at once, line by line, sharing no code with SseReader: `id|type|data;` per event.
std::string read_independently(std::string_view stream) {
  const std::string text = with_plain_line_ends(stream);
  std::string out, id, type, data;
  bool has_data = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (line.empty()) {
      if (has_data) out += id + '|' + (type.empty() ? "message" : type) + '|' + data + ';';
      type.clear();
      data.clear();
      has_data = false;
    } else if (name == "data") {
      data += (has_data ? "\n" : "") + value;
      has_data = true;
    } else if (name == "id") {
      id = value;
    } else if (name == "event") {
      type = value;
    }
  }
  return out;
}

}  // namespace

TEST_CASE(one_line) { CHECK_EQ(event(7, "{\"a\":1}"), "id: 7\ndata: {\"a\":1}\n\n"); }

TEST_CASE(empty_data_is_one_empty_data_line) { CHECK_EQ(event(0, ""), "id: 0\ndata: \n\n"); }

TEST_CASE(every_kind_of_line_end_splits) {
  CHECK_EQ(event(1, "a\nb\rc\r\nd"), "id: 1\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  CHECK_EQ(event(1, "\r\n\n\r"), "id: 1\ndata: \ndata: \ndata: \ndata: \n\n");
  CHECK_EQ(event(1, "a\n"), "id: 1\ndata: a\ndata: \n\n");
}

TEST_CASE(the_largest_id) { CHECK_EQ(event(UINT64_MAX, "x"), "id: 18446744073709551615\ndata: x\n\n"); }

TEST_CASE(a_leading_space_of_the_data_is_kept) {
  CHECK_EQ(event(1, " a"), "id: 1\ndata:  a\n\n");
  CHECK_EQ(read_independently(event(1, " a")), "1|message| a;");
}

TEST_CASE(typed_data_without_id) {
  std::string out;
  append_sse_data(out, "ping", "x\ny");
  append_sse_data(out, "", "z");
  CHECK_EQ(out, "event: ping\ndata: x\ndata: y\n\ndata: z\n\n");
}

TEST_CASE(a_comment_carries_no_event) {
  std::string out;
  append_sse_comment(out, "keep\r\ndata: forged\n\nid: 9");
  append_sse_comment(out, "");
  CHECK_EQ(out, ": keep\n: data: forged\n: \n: id: 9\n\n:\n\n");
  CHECK_EQ(read_independently(out), "");
}

TEST_CASE(hostile_text_comes_back_as_it_was_and_forges_nothing) {
  std::mt19937_64 random = bobbin::test::seeded_random("hostile_text_comes_back_as_it_was_and_forges_nothing");
  constexpr std::string_view kParts[] = {"\r",
                                         "\n",
                                         "\r\n",
                                         "\n\n",
                                         "data: x",
                                         "id: 99",
                                         "event: done",
                                         ":",
                                         " ",
                                         "",
                                         "retry: 1",
                                         "\xef\xbb\xbf",
                                         std::string_view("\0", 1),
                                         "\xc3\xa4\xff",
                                         "{}",
                                         "\xe2\x80\xa8"};
  for (int round = 0; round < 5000; ++round) {
    std::string wire;
    std::string expected;
    for (uint64_t id = 1; id <= 3; ++id) {
      const std::string text = bobbin::test::random_text(random, kParts, bobbin::test::random_below(random, 9));
      append_sse_event(wire, id, text);
      if (id == 2) append_sse_comment(wire, text);
      expected += std::to_string(id) + "|message|" + with_plain_line_ends(text) + ';';
    }
    CHECK_EQ(read_independently(wire), expected);

    SseReader reader(1 << 20);
    std::string got;
    for (std::string_view piece : bobbin::test::random_pieces(random, wire)) {
      while (reader.next(piece) == SseReader::Step::event) {
        got += reader.event().id + '|' + reader.event().type + '|' + reader.event().data + ';';
      }
    }
    CHECK_EQ(got, expected);
    CHECK(!reader.retry_ms().has_value());
  }
}
