// Proves: streams are read by the rules of the standard (its own examples among them), in any pieces, in bounded
// memory.

#include "proto_http/sse_reader.h"

#include "tests/support/test.h"
#include "tests/unit/proto_http/seed.h"

using namespace bobbin::http;

namespace {

// `id|type|data;` per event, then `error` or, for an event without its blank line, `+` and that event.
std::string read_pieces(const std::vector<std::string_view>& pieces, size_t event_bytes_max = 1000) {
  SseReader reader(event_bytes_max);
  std::string out;
  const auto add = [&] { out += reader.event().id + '|' + reader.event().type + '|' + reader.event().data + ';'; };
  for (std::string_view piece : pieces) {
    while (true) {
      const SseReader::Step step = reader.next(piece);
      if (step == SseReader::Step::error) return out + "error";
      if (step == SseReader::Step::need_more) break;
      add();
    }
    CHECK(piece.empty());
  }
  if (reader.finish() == SseReader::Step::event) {
    out += '+';
    add();
  }
  CHECK_EQ(reader.finish(), SseReader::Step::need_more);
  return out;
}

std::string read(std::string_view stream) {
  const std::string whole = read_pieces({stream});
  std::vector<std::string_view> bytes;
  for (size_t at = 0; at < stream.size(); ++at) bytes.push_back(stream.substr(at, 1));
  CHECK_EQ(read_pieces(bytes), whole);
  for (size_t at = 0; at <= stream.size(); ++at)
    CHECK_EQ(read_pieces({stream.substr(0, at), stream.substr(at)}), whole);
  return whole;
}

}  // namespace

TEST_CASE(lines_of_data_are_joined) { CHECK_EQ(read("data: YHOO\ndata: +2\ndata: 10\n\n"), "|message|YHOO\n+2\n10;"); }

TEST_CASE(ids_stay_until_changed) {
  CHECK_EQ(read(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
           "1|message|first event;|message|second event;|message| third event;");
  CHECK_EQ(read("id: 5\ndata: a\n\ndata: b\n\n"), "5|message|a;5|message|b;");
}

TEST_CASE(an_id_without_data_counts_for_the_next_event) { CHECK_EQ(read("id: 7\n\ndata: a\n\n"), "7|message|a;"); }

TEST_CASE(an_id_with_nul_is_ignored) {
  CHECK_EQ(read(std::string_view("id: 1\nid: 2\0003\ndata: a\n\n", 23)), "1|message|a;");
}

TEST_CASE(empty_data_is_an_event) {
  CHECK_EQ(read("data\n\ndata\ndata\n\ndata:"), "|message|;|message|\n;+|message|;");
}

TEST_CASE(one_space_after_the_colon_is_dropped) {
  CHECK_EQ(read("data:test\n\ndata: test\n\n"), "|message|test;|message|test;");
}

TEST_CASE(every_line_end_and_any_mix_of_them) {
  CHECK_EQ(read("data: a\r\ndata: b\r\rdata: c\n\r\ndata: d\r\n\r\n"), "|message|a\nb;|message|c;|message|d;");
}

TEST_CASE(a_byte_order_mark_is_skipped_once_and_only_in_front) {
  CHECK_EQ(read("\xef\xbb\xbf"
                "data: a\n\n"),
           "|message|a;");
  CHECK_EQ(read("\xef\xbb\xbf\xef\xbb\xbf"
                "data: a\n\n"),
           "");
  CHECK_EQ(read("\n\xef\xbb\xbf"
                "data: a\n\n"),
           "");
  CHECK_EQ(read("data: \xef\xbb\xbf\n\n"), "|message|\xef\xbb\xbf;");
}

TEST_CASE(types_are_for_one_event) {
  CHECK_EQ(read("event: ping\ndata: a\n\ndata: b\n\n"), "|ping|a;|message|b;");
  CHECK_EQ(read("event: ping\n\ndata: b\n\n"), "|message|b;");
}

TEST_CASE(unknown_fields_and_comments_are_ignored) {
  CHECK_EQ(read("Data: x\n data: y\ndata : z\nfoo: 1\n:data: w\ndata: a\n\n"), "|message|a;");
}

TEST_CASE(bytes_that_are_no_utf8_are_handed_on) { CHECK_EQ(read("data: \xff\xc3\n\n"), "|message|\xff\xc3;"); }

TEST_CASE(an_event_without_its_blank_line_is_told_at_the_end) {
  CHECK_EQ(read("data: a\n\ndata: [DONE]"), "|message|a;+|message|[DONE];");
  CHECK_EQ(read("data: a\n"), "+|message|a;");
  CHECK_EQ(read("id: 1\nevent: x\n"), "");
}

TEST_CASE(retry_is_digits_only) {
  const auto retry_of = [](std::string_view stream) {
    SseReader reader(100);
    while (reader.next(stream) == SseReader::Step::event) continue;
    return reader.retry_ms();
  };
  CHECK(retry_of("retry: 2500\n") == 2500u);
  CHECK(!retry_of("retry: +5\n") && !retry_of("retry: 5s\n") && !retry_of("retry\n") && !retry_of("retry: -1\n"));
  CHECK(!retry_of("retry: 99999999999999999999\n"));
}

TEST_CASE(an_event_may_be_as_large_as_the_limit_and_no_larger) {
  const std::string at_limit = "data: " + std::string(994, 'x') + "\n\n";
  CHECK_EQ(read_pieces({at_limit}), "|message|" + std::string(994, 'x') + ';');
  CHECK_EQ(read_pieces({"data: " + std::string(995, 'x')}), "error");
  std::string many_lines;
  for (int i = 0; i < 101; ++i) many_lines += "data: 123456789\n";
  CHECK_EQ(read_pieces({many_lines}), "error");
  CHECK_EQ(read_pieces({"id: " + std::string(2000, '1')}), "error");
  CHECK_EQ(read_pieces({":" + std::string(2000, ' ')}), "error");
}

TEST_CASE(an_error_is_final_and_takes_nothing_more) {
  SseReader reader(4);
  std::string_view input = "data: x\n\n";
  CHECK_EQ(reader.next(input), SseReader::Step::error);
  CHECK_EQ(reader.error().code, bobbin::Code::too_large);
  input = "a\n";
  CHECK_EQ(reader.next(input), SseReader::Step::error);
  CHECK_EQ(reader.finish(), SseReader::Step::error);
}

TEST_CASE(cuts_do_not_change_the_events_of_random_streams) {
  std::mt19937_64 random = bobbin::test::seeded_random("cuts_do_not_change_the_events_of_random_streams");
  constexpr std::string_view kParts[] = {"data: a", "data", "id: 1", "event: x", "\n",          "\r",
                                         "\r\n",    "\n\n", ":",     " ",        "\xef\xbb\xbf"};
  for (int round = 0; round < 5000; ++round) {
    const std::string bytes = bobbin::test::random_text(random, kParts, bobbin::test::random_below(random, 20));
    CHECK_EQ(read_pieces(bobbin::test::random_pieces(random, bytes)), read_pieces({bytes}));
  }
}
