// Event streams. Writer: whatever the text, a second reader sees one event with that text and nothing else. Reader: any
// split of the bytes gives the same events, which are those of the second reader.

#include <string>
#include <vector>

#include "proto_http/sse_reader.h"
#include "proto_http/sse_writer.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/plain_sse.h"

namespace bobbin::fuzz {
namespace {

// As a reader sees it: every kind of line end is LF.
std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r' && text.substr(at + 1).starts_with('\n')) continue;
    out.push_back(text[at] == '\r' ? '\n' : text[at]);
  }
  return out;
}

void check_writer(std::string_view text) {
  const std::string seen = with_plain_line_ends(text);
  std::string stream;
  http::append_sse_event(stream, 41, "before");
  http::append_sse_comment(stream, text);
  http::append_sse_event(stream, 42, text);
  http::append_sse_data(stream, "kind", text);
  const std::vector<PlainEvent> events = read_plain_events(stream);
  FUZZ_CHECK(events ==
             (std::vector<PlainEvent>{{"message", "before", "41"}, {"message", seen, "42"}, {"kind", seen, "42"}}));
}

struct Outcome {
  std::vector<PlainEvent> events;
  size_t finished_events = 0;  // of them, before the end of the stream
  bool is_refused = false;
  std::optional<uint64_t> retry_ms;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void take_event(http::SseReader& reader, Outcome& outcome) {
  http::SseEvent& event = reader.event();
  outcome.events.push_back({std::move(event.type), std::move(event.data), std::move(event.id)});
}

Outcome read(std::string_view stream, Cut cut, size_t event_bytes_max) {
  using Step = http::SseReader::Step;
  http::SseReader reader(event_bytes_max);
  Outcome outcome;
  feed_pieces(stream, cut, [&](std::string_view piece) {
    while (true) {
      const Step step = reader.next(piece);
      if (step == Step::event) {
        take_event(reader, outcome);
        continue;
      }
      if (step == Step::need_more) {
        FUZZ_CHECK(piece.empty());
        return true;
      }
      outcome.is_refused = true;
      return false;
    }
  });
  outcome.finished_events = outcome.events.size();
  const Step end = reader.finish();
  FUZZ_CHECK((end == Step::error) >= outcome.is_refused);
  outcome.is_refused = end == Step::error;
  if (end == Step::event) take_event(reader, outcome);
  if (end == Step::event) FUZZ_CHECK(reader.finish() == Step::need_more);
  outcome.retry_ms = reader.retry_ms();
  return outcome;
}

void check_reader(std::string_view stream, size_t event_bytes_max) {
  const std::vector<Cut> cuts = cuts_of(stream);
  const Outcome whole = read(stream, cuts.front(), event_bytes_max);
  for (size_t i = 1; i < cuts.size(); ++i) FUZZ_CHECK(read(stream, cuts[i], event_bytes_max) == whole);
  std::vector<PlainEvent> plain = read_plain_events(stream);
  FUZZ_CHECK(whole.finished_events == plain.size() || whole.is_refused);
  for (size_t i = 0; i < whole.finished_events; ++i) FUZZ_CHECK(whole.events[i] == plain[i]);
  // An event whose blank line is missing: as if it were there.
  if (whole.is_refused || whole.events.size() == whole.finished_events) return;
  plain = read_plain_events(std::string(stream) + "\n\n");
  FUZZ_CHECK(whole.events.size() == plain.size() && whole.events.back() == plain.back());
}

}  // namespace

void run(std::string_view input) {
  check_writer(input);
  check_reader(input, 64 * 1024);
  check_reader(input, 12);
}

}  // namespace bobbin::fuzz
