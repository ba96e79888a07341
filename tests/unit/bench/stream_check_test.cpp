// The load's client sees what is wrong with a stream: a benchmark that overlooks a lost token would measure a server
// that loses them. Streams are written as the server and the upstream write them, spoilt in one place, and read in
// pieces of every size.

#include "bench/load/stream_check.h"

#include <vector>

#include "bench/load/answer_reader.h"
#include "bench/load/wire.h"
#include "proto_http/response_writer.h"
#include "proto_http/sse_writer.h"
#include "tests/support/test.h"

namespace bobbin::bench {
namespace {

constexpr int64_t kStep = 20'000;
constexpr int64_t kFirst = 123'456'789'012;

class Recorder final : public AnswerReader::Listener {
 public:
  void on_token(int64_t number) noexcept override { numbers.push_back(number); }
  std::vector<int64_t> numbers;
};

std::string digits(int64_t number) {
  std::string text = std::to_string(number);
  return std::string(12 - text.size(), '0') + text;
}

// One event of a run, before it is on the wire.
struct SentEvent {
  uint64_t id;
  std::string json;
};

std::string token(int64_t number) { return R"({"type":"token","content":")" + digits(number) + "\"}"; }

std::string done(uint64_t tokens) {
  return R"({"type":"done","thread_id":"t","message_id":"m","usage":{"prompt_tokens":1,"completion_tokens":)" +
         std::to_string(tokens) + R"(,"total_tokens":9},"finish_reason":"stop"})";
}

// Four tokens and all around them.
std::vector<SentEvent> whole_run() {
  std::vector<SentEvent> events = {{1, R"({"type":"start","thread_id":"t"})"}};
  for (uint64_t i = 0; i < 4; ++i) events.push_back({i + 2, token(kFirst + static_cast<int64_t>(i) * kStep)});
  events.push_back({6, done(4)});
  return events;
}

// As the server sends it, up to the end of the framing.
std::string run_bytes(const std::vector<SentEvent>& events) {
  std::string out;
  append_answer_head(out);
  for (const SentEvent& event : events) {
    std::string frame;
    http::append_sse_event(frame, event.id, event.json);
    http::append_chunk(out, frame);
  }
  http::append_last_chunk(out);
  return out;
}

std::string model_bytes(const std::vector<int64_t>& numbers, uint64_t claimed_tokens) {
  std::string out;
  append_answer_head(out);
  for (const int64_t number : numbers) append_token(out, number);
  append_answer_end(out, claimed_tokens);
  return out;
}

// The verdict, which must not depend on how the bytes arrive.
Fault judge(Dialect dialect, std::string_view bytes, size_t tokens_expected) {
  std::vector<Fault> verdicts;
  for (size_t piece = 1; piece <= bytes.size(); piece += piece / 2 + 1) {
    Recorder recorder;
    AnswerReader reader(dialect, kStep, recorder);
    for (size_t at = 0; at < bytes.size(); at += piece) reader.feed(bytes.substr(at, piece));
    reader.close();
    CHECK(reader.is_over());
    // What follows a fault is not looked at, but what came with it may be.
    if (reader.check().fault() == Fault::none) CHECK_EQ(recorder.numbers.size(), tokens_expected);
    verdicts.push_back(reader.check().fault());
  }
  for (const Fault verdict : verdicts) CHECK_EQ(verdict, verdicts[0]);
  return verdicts[0];
}

Fault judge_run(const std::vector<SentEvent>& events) { return judge(Dialect::bobbin, run_bytes(events), 4); }

TEST_CASE(a_whole_stream_has_no_fault) {
  CHECK_EQ(judge_run(whole_run()), Fault::none);
  CHECK_EQ(judge(Dialect::model, model_bytes({kFirst, kFirst + kStep, kFirst + 2 * kStep}, 3), 3), Fault::none);
}

TEST_CASE(a_token_that_is_missing_is_seen_wherever_it_was) {
  for (size_t missing = 1; missing <= 4; ++missing) {
    std::vector<SentEvent> events = whole_run();
    events.erase(events.begin() + static_cast<ptrdiff_t>(missing));
    for (size_t i = 0; i < events.size(); ++i) events[i].id = i + 1;  // as if it had never been there
    CHECK_EQ(judge_run(events), missing == 1 || missing == 4 ? Fault::cut : Fault::lost);
  }
  CHECK_EQ(judge(Dialect::model, model_bytes({kFirst, kFirst + 2 * kStep}, 3), 2), Fault::lost);
  CHECK_EQ(judge(Dialect::model, model_bytes({kFirst, kFirst + kStep}, 3), 2), Fault::cut);
}

TEST_CASE(a_gap_between_ids_is_seen) {
  std::vector<SentEvent> events = whole_run();
  for (size_t i = 3; i < events.size(); ++i) ++events[i].id;
  CHECK_EQ(judge_run(events), Fault::bad_id);
  events = whole_run();
  events.erase(events.begin());
  CHECK_EQ(judge_run(events), Fault::bad_id);
}

TEST_CASE(tokens_in_another_order_are_seen) {
  std::vector<SentEvent> events = whole_run();
  std::swap(events[2].json, events[3].json);
  CHECK_EQ(judge_run(events), Fault::lost);  // the later one comes first
  CHECK_EQ(judge(Dialect::model, model_bytes({kFirst + kStep, kFirst}, 2), 2), Fault::disordered);
}

TEST_CASE(a_token_that_comes_twice_is_seen) {
  std::vector<SentEvent> events = whole_run();
  events.insert(events.begin() + 3, events[2]);
  for (size_t i = 0; i < events.size(); ++i) events[i].id = i + 1;
  CHECK_EQ(judge_run(events), Fault::disordered);
}

TEST_CASE(a_stream_that_is_cut_anywhere_is_seen) {
  const std::string run = run_bytes(whole_run());
  for (size_t bytes = 1; bytes < run.size(); bytes += 7)
    CHECK_EQ(judge(Dialect::bobbin, run.substr(0, bytes), 4), Fault::cut);
  CHECK_EQ(judge(Dialect::bobbin, run.substr(0, run.size() - 1), 4), Fault::cut);
  std::vector<SentEvent> events = whole_run();
  events.pop_back();
  CHECK_EQ(judge_run(events), Fault::cut);
}

TEST_CASE(an_end_without_a_count_proves_nothing) {
  std::vector<SentEvent> events = whole_run();
  events.back().json = R"({"type":"done","thread_id":"t","message_id":"m","usage":null,"finish_reason":"stop"})";
  CHECK_EQ(judge_run(events), Fault::cut);
}

TEST_CASE(other_ends_and_refusals_are_told_apart) {
  std::vector<SentEvent> events = whole_run();
  events.back().json = R"({"type":"stopped","reason":"stopped"})";
  CHECK_EQ(judge_run(events), Fault::stopped);
  events.back().json = R"({"type":"error","content":"x","code":"internal"})";
  CHECK_EQ(judge_run(events), Fault::failed);
  CHECK_EQ(judge(Dialect::bobbin, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 0), Fault::failed);
}

TEST_CASE(requests_and_tokens_come_back_as_they_were_written) {
  for (const Dialect dialect : {Dialect::bobbin, Dialect::model}) {
    std::string request;
    append_stream_request(request, {.dialect = dialect, .stream = 42, .thread = "round1-42", .bearer = "t"});
    CHECK_EQ(stream_in(request), std::optional<uint64_t>(42));
  }
  CHECK(!stream_in(R"({"messages":[]})"));
  std::string chunk;
  append_token(chunk, kFirst);
  CHECK_EQ(token_in(chunk), std::optional<int64_t>(kFirst));
  CHECK(!token_in(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"));
}

}  // namespace
}  // namespace bobbin::bench
