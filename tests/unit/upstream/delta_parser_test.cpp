#include "src/upstream/delta_parser.h"

#include <random>

#include "src/base/text.h"
#include "tests/support/test.h"
#include "tests/unit/upstream/recorder.h"

// Streams in the manner of real servers, with each habit of formats.md A.1. Every stream is read whole, cut in two at
// every byte, and byte by byte: what comes out must be the same.
namespace bobbin::upstream {
namespace {

struct Outcome {
  std::vector<std::pair<DeltaKind, std::string>> deltas;
  std::optional<Answer> answer;
  Code code = Code::internal;
  int32_t number = 0;
  std::string excerpt;

  friend bool operator==(const Outcome&, const Outcome&) = default;
  [[nodiscard]] std::string text(DeltaKind kind = DeltaKind::content) const {
    Recorder recorder;
    recorder.deltas = deltas;
    return recorder.text(kind);
  }
};

Outcome read_pieces(const std::vector<std::string_view>& pieces, size_t answer_bytes_max = limits::kAnswerBytesMax) {
  Recorder recorder;
  DeltaParser parser(recorder, answer_bytes_max);
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    if (!parser.feed(piece) || parser.is_done()) break;
  }
  Result<Answer> answer = parser.finish();
  if (answer) {
    outcome.answer = std::move(*answer);
  } else {
    outcome.code = answer.error().code;
    outcome.number = answer.error().number;
  }
  outcome.deltas = std::move(recorder.deltas);
  outcome.excerpt = parser.error_excerpt();
  for (const auto& [kind, text] : outcome.deltas) {
    CHECK(!text.empty());
    CHECK(is_utf8(text));
  }
  return outcome;
}

// Reads `stream` in every split and gives the one outcome.
Outcome read_all_splits(std::string_view stream) {
  const Outcome whole = read_pieces({stream});
  for (size_t at = 0; at <= stream.size(); ++at) {
    CHECK(read_pieces({stream.substr(0, at), stream.substr(at)}) == whole);
  }
  std::vector<std::string_view> bytes;
  for (size_t at = 0; at < stream.size(); ++at) bytes.push_back(stream.substr(at, 1));
  CHECK(read_pieces(bytes) == whole);
  return whole;
}

// One event that carries `delta` (a JSON object).
std::string chunk(std::string_view delta, std::string_view finish_reason = "null") {
  return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1730000000,"model":"m","choices":[{"index":0,"delta":)" +
         std::string(delta) + R"(,"finish_reason":)" + std::string(finish_reason) + "}]}\n\n";
}
std::string content(std::string_view json_text) { return chunk("{\"content\":\"" + std::string(json_text) + "\"}"); }
const std::string kStop = chunk("{}", "\"stop\"");
const std::string kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

TEST_CASE(plain_stream_gives_its_text_reason_model_and_usage) {
  const Outcome got = read_all_splits(chunk(R"({"role":"assistant","content":""})") + content("Hel") + content("lo") +
                                      kStop + kUsage + kDone);
  CHECK_EQ(got.deltas.size(), 2u);
  CHECK_EQ(got.text(), "Hello");
  CHECK(got.answer == (Answer{.finish_reason = "stop", .model = "m", .usage = Usage{9, 2, 11}, .tool_calls = {}}));
}

TEST_CASE(line_ends_comments_and_other_fields_do_not_matter) {
  const std::string plain =
      ": ping\n\n" + content("a") + "event: message\nid: 7\nretry: 10\n" + content("b") + kStop + kDone;
  const Outcome expected = read_all_splits(plain);
  CHECK_EQ(expected.text(), "ab");
  for (const std::string_view line_end : {"\r\n", "\r"}) {
    std::string other;
    for (const char c : plain) c == '\n' ? other.append(line_end) : other.append(1, c);
    CHECK(read_all_splits(other) == expected);
  }
  CHECK(read_all_splits("\xef\xbb\xbf" + plain) == expected);
  CHECK_EQ(
      read_all_splits("data:{\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n").text(),
      "x");
}

// Also where a cut falls between it and what follows on its line.
TEST_CASE(white_space_before_an_answer_is_nothing) {
  for (const std::string_view before : {" ", "\n", "\r\n \t", "\n\n  "}) {
    CHECK_EQ(read_all_splits(std::string(before) + content("a") + kStop + kDone).text(), "a");
    CHECK_EQ(read_all_splits(std::string(before) + R"({"choices":[{"message":{"content":"b"}}]})").text(), "b");
  }
}

TEST_CASE(text_of_every_script_survives_every_split) {
  const Outcome got = read_all_splits(content("na\xc3\xafve \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\xa7\xb5 ") +
                                      content(R"(\u00e9 \ud83e\uddf5 \"q\" \\ \n\/)") + kStop + kDone);
  CHECK_EQ(got.text(), "naïve 你好 🧵 é 🧵 \"q\" \\ \n/");
}

TEST_CASE(character_split_between_two_chunks_is_joined) {
  const Outcome got =
      read_all_splits(content("caf\xc3") + content("\xa9 \xf0\x9f") + content("\xa7\xb5!") + kStop + kDone);
  CHECK_EQ(got.text(), "café 🧵!");
}

TEST_CASE(ill_formed_text_becomes_replacement_characters) {
  CHECK_EQ(read_all_splits(content("a\xff"
                                   "b") +
                           content("\xc3") + content("x") + kStop + kDone)
               .text(),
           "a\ufffdb\ufffdx");
  CHECK_EQ(read_all_splits(content("end\xf0\x9f") + kStop + kDone).text(), "end\ufffd");
  CHECK_EQ(read_all_splits(content(R"(a\ud83eb \uddf5 \ud83e\ud83e\uddf5)") + kStop + kDone).text(),
           "a\ufffdb \ufffd \ufffd🧵");
}

TEST_CASE(reasoning_comes_apart_from_content_under_both_names) {
  const Outcome got =
      read_all_splits(chunk(R"({"reasoning_content":"hm "})") + chunk(R"({"reasoning":"so","content":""})") +
                      chunk(R"({"reasoning_content":null,"content":"yes"})") + kStop + kDone);
  CHECK_EQ(got.text(DeltaKind::reasoning), "hm so");
  CHECK_EQ(got.text(), "yes");
}

TEST_CASE(null_and_missing_fields_are_nothing) {
  const Outcome got =
      read_all_splits(chunk(R"({"content":null})") + chunk("{}") + "data: {\"choices\":[]}\n\n" + "data: {}\n\n" +
                      "data:\n\n" + "data: {\"choices\":[{\"finish_reason\":null}],\"usage\":null}\n\n" + content("x") +
                      "data: {\"choices\":null,\"type\":\"ping\"}\n\n" + kStop + kDone);
  CHECK_EQ(got.text(), "x");
  CHECK(got.answer.has_value() && !got.answer->usage.has_value());
}

TEST_CASE(fields_of_a_wrong_type_are_nothing) {
  const Outcome got = read_all_splits(
      chunk(R"({"content":7,"reasoning":[],"tool_calls":"x","refusal":{}})") + chunk("[]") + chunk("null") +
      "data: {\"choices\":{\"a\":1},\"usage\":[1],\"model\":3}\n\n" + "data: {\"choices\":[1,null,\"x\",[]]}\n\n" +
      chunk(R"({"tool_calls":[1,null,{"function":3,"index":"0"}]})") + content("ok") + kStop + kDone);
  CHECK_EQ(got.text(), "ok");
  CHECK(got.answer.has_value());
}

TEST_CASE(content_may_be_a_list_of_parts_or_a_refusal) {
  CHECK_EQ(read_all_splits(
               chunk(R"({"content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]})") + kStop)
               .text(),
           "ab");
  CHECK_EQ(read_all_splits(chunk(R"({"content":null,"refusal":"no"})") + kStop).text(), "no");
}

TEST_CASE(only_the_first_choice_is_the_answer) {
  const Outcome got = read_all_splits(
      "data: "
      "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}},{\"index\":0,\"delta\":{\"content\":\"mine\"}}]}"
      "\n\n" +
      kStop + kDone);
  CHECK_EQ(got.text(), "mine");
}

TEST_CASE(end_without_done_needs_a_finish_reason) {
  CHECK(read_all_splits(content("a") + kStop).answer.has_value());
  CHECK(read_all_splits(content("a") + chunk("{}", "\"stop\"").substr(0, kStop.size() - 2)).answer.has_value());
  CHECK(read_all_splits(content("a") + kStop + kUsage.substr(0, 30)).answer.has_value());
  const Outcome cut = read_all_splits(content("a") + content("b"));
  CHECK(!cut.answer.has_value());
  CHECK(cut.code == Code::upstream_unavailable);
  CHECK_EQ(cut.text(), "ab");
  CHECK(read_all_splits(content("a") + content("b").substr(0, 40)).code == Code::upstream_unavailable);
  CHECK(read_all_splits("").code == Code::upstream_unavailable);
  CHECK(read_all_splits("\n\n").code == Code::upstream_unavailable);
}

TEST_CASE(done_without_a_finish_reason_is_a_stop) {
  CHECK_EQ(read_all_splits(content("a") + kDone).answer->finish_reason, "stop");
  CHECK_EQ(read_all_splits(content("a") + "data:  [DONE] \n\n").answer->finish_reason, "stop");
}

TEST_CASE(finish_reason_is_a_word) {
  const auto reason = [](std::string_view json) {
    return read_pieces({content("a") + chunk("{}", json) + kDone}).answer->finish_reason;
  };
  CHECK_EQ(reason("\"length\""), "length");
  CHECK_EQ(reason("\"content_filter\""), "content_filter");
  CHECK_EQ(reason("\"STOP\""), "stop");
  CHECK_EQ(reason("\"MAX_TOKENS\""), "length");
  CHECK_EQ(reason("\"\""), "stop");
  CHECK_EQ(reason("\"<script>\""), "stop");
  CHECK_EQ(reason('"' + std::string(5000, 'x') + '"'), "stop");
}

TEST_CASE(nothing_after_done_counts) {
  CHECK_EQ(read_all_splits(content("a") + kStop + kDone + content("b") + "data: {broken\n\n").text(), "a");
}

TEST_CASE(error_in_mid_stream_ends_the_answer) {
  const Outcome got = read_all_splits(
      content("par") +
      R"(data: {"error":{"message":"out of\nmemory","type":"server_error","param":null,"code":null}})" + "\n\n");
  CHECK(got.code == Code::upstream_rejected);
  CHECK_EQ(got.text(), "par");
  CHECK_EQ(got.excerpt, "out of memory");
}

TEST_CASE(numeric_error_code_says_which_failure_it_is) {
  const auto failing = [](std::string_view error) {
    return read_all_splits("data: {\"error\":" + std::string(error) + "}\n\n");
  };
  CHECK(failing(R"({"code":503,"message":"loading","type":"unavailable_error"})").code == Code::upstream_unavailable);
  CHECK_EQ(failing(R"({"code":503,"message":"loading"})").number, 503);
  CHECK(failing(R"({"code":400,"message":"bad"})").code == Code::upstream_rejected);
  CHECK(failing(R"({"code":"model_not_found","message":"bad"})").code == Code::upstream_rejected);
  CHECK(failing(R"("plain words")").code == Code::upstream_rejected);
  CHECK_EQ(failing(R"("plain words")").excerpt, "plain words");
  CHECK(failing("{}").code == Code::upstream_rejected);
}

TEST_CASE(other_shapes_of_an_error_are_seen) {
  CHECK(read_all_splits("event: error\ndata: it broke\n\n").code == Code::upstream_rejected);
  CHECK_EQ(read_all_splits("event: error\ndata: it broke\n\n").excerpt, "it broke");
  CHECK(read_all_splits("data: {\"object\":\"error\",\"message\":\"m\",\"code\":404}\n\n").number == 404);
  CHECK(read_all_splits("data: {\"detail\":\"Not Found\"}\n\n").code == Code::upstream_rejected);
  CHECK(read_all_splits(content("a") + "data: {\"error\":\"at the end\"}").code == Code::upstream_rejected);
  CHECK(read_all_splits(chunk(R"({"content":"a"})", "\"stop\"").insert(6, " ") + "data: {\"error\":null}\n\n")
            .answer.has_value());
}

TEST_CASE(malformed_json_is_refused) {
  for (const std::string_view bad : {"{", "{\"choices\":[}", "nonsense", "[1]", "null", "7", "{\"a\":01}",
                                     "{\"a\":tru}", "{}{}", "{\"a\":\"\x01\"}", "\xff\xff"}) {
    const Outcome got = read_all_splits(content("a") + "data: " + std::string(bad) + "\n\n" + kStop + kDone);
    CHECK(got.code == Code::upstream_rejected);
    CHECK_EQ(got.text(), "a");
  }
}

TEST_CASE(tool_calls_are_gathered_by_index) {
  const Outcome got = read_all_splits(
      chunk(
          R"({"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"search","arguments":""}}]})") +
      chunk(R"({"tool_calls":[{"index":1,"id":"call_b","function":{"name":"open","arguments":"{}"}}]})") +
      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]})") +
      chunk(R"({"tool_calls":[{"index":0,"id":"call_a","function":{"arguments":"\"x\"}"}}]})") + kStop + kDone);
  CHECK_EQ(got.answer->finish_reason, "tool_calls");
  CHECK(got.answer->tool_calls ==
        (std::vector<ToolCall>{{"call_a", "search", "{\"q\":\"x\"}"}, {"call_b", "open", "{}"}}));
}

TEST_CASE(tool_calls_without_an_index_go_by_id) {
  const Outcome got =
      read_all_splits(chunk(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"1"}}]})") +
                      chunk(R"({"tool_calls":[{"function":{"arguments":"2"}}]})") +
                      chunk(R"({"tool_calls":[{"id":"b","function":{"name":"g","arguments":"3"}}]})") +
                      chunk(R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"h","arguments":"4"}}]})") +
                      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"5"}}]})", "\"tool_calls\""));
  CHECK(got.answer->tool_calls == (std::vector<ToolCall>{{"a", "f", "12"}, {"b", "g", "3"}, {"c", "h", "45"}}));
}

TEST_CASE(several_tool_calls_may_come_piece_by_piece_in_turn) {
  const auto got =
      read_all_splits(chunk(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}},)"
                            R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]})") +
                      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}},)"
                            R"({"index":2,"id":"c","function":{"name":"f","arguments":""}}]})") +
                      chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"}"}}]})") +
                      chunk(R"({"tool_calls":[{"index":2,"function":{"arguments":"not json"}}]})") + kStop + kDone);
  CHECK(got.answer->tool_calls ==
        (std::vector<ToolCall>{{"b", "g", "{}"}, {"a", "f", R"({"x":1})"}, {"c", "f", "not json"}}));
}

TEST_CASE(malformed_arguments_arrive_as_the_model_wrote_them) {
  const auto got = read_all_splits(
      chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"q\": \"caf\u00e9\", "}}]})") +
      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"\u0000,,]"}}]})") + kStop + kDone);
  CHECK(got.answer->tool_calls ==
        (std::vector<ToolCall>{{"a", "f", std::string("{\"q\": \"caf\xc3\xa9\", \0,,]", 19)}}));
}

TEST_CASE(arguments_that_are_an_object_become_its_text) {
  const auto got = read_all_splits(
      chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{ "q" : [1, "x"] }}}]})") + kStop +
      kDone);
  CHECK(got.answer->tool_calls == (std::vector<ToolCall>{{"a", "f", R"({"q":[1,"x"]})"}}));
}

TEST_CASE(tool_calls_are_bounded) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += chunk("{\"tool_calls\":[{\"index\":" + std::to_string(i) + "}]}");
  CHECK(read_pieces({many}).code == Code::upstream_rejected);
  const std::string long_name =
      chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"" + std::string(300, 'n') + "\"}}]}");
  CHECK(read_pieces({long_name}).code == Code::upstream_rejected);
  const std::string arguments = chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"" +
                                      std::string(100, '1') + "\"}}]}");
  CHECK_EQ(read_pieces({arguments, arguments, arguments}, 250).answer->finish_reason, "length");
}

TEST_CASE(long_answer_is_cut_at_a_character) {
  const std::string stream =
      content("ab\xe4\xbd\xa0") + content("\xe4\xbd\xa0\xe4\xbd\xa0") + content("never") + kStop + kDone;
  const std::string_view texts[] = {"", "a", "ab", "ab", "ab", "ab你", "ab你", "ab你", "ab你你", "ab你你", "ab你你"};
  for (size_t bytes_max = 0; bytes_max < std::size(texts); ++bytes_max) {
    const Outcome got = read_pieces({stream}, bytes_max);
    CHECK_EQ(got.text(), texts[bytes_max]);
    CHECK_EQ(got.answer->finish_reason, "length");
  }
  CHECK_EQ(read_pieces({stream}, 16).answer->finish_reason, "stop");
}

TEST_CASE(long_event_is_refused) {
  const std::string line = "data: {\"x\":\"" + std::string(kEventBytesMax, 'x');
  CHECK(read_pieces({line, line, line}).code == Code::upstream_rejected);
}

TEST_CASE(whole_document_is_an_answer_too) {
  const Outcome got = read_all_splits(
      R"( {"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","reasoning":"r","content":"Hi é",)"
      R"("tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],)"
      R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
      "\n");
  CHECK_EQ(got.text(), "Hi é");
  CHECK_EQ(got.text(DeltaKind::reasoning), "r");
  CHECK(
      got.answer ==
      (Answer{.finish_reason = "tool_calls", .model = "m", .usage = Usage{1, 2, 3}, .tool_calls = {{"a", "f", "{}"}}}));
  CHECK(read_all_splits(R"({"error":{"message":"no","code":500}})").code == Code::upstream_unavailable);
  CHECK(read_all_splits(R"({"choices":[{"message":{"content":"cut)").code == Code::upstream_rejected);
  const std::string blanks(kWholeAnswerBytesMax, ' ');
  CHECK(read_pieces({"{", blanks}).code == Code::upstream_rejected);
}

TEST_CASE(usage_is_never_negative_and_may_have_fractions) {
  const auto usage = [](std::string_view json) {
    return read_pieces({kStop + "data: {\"usage\":" + std::string(json) + "}\n\n"}).answer->usage;
  };
  CHECK(usage(R"({"prompt_tokens":-5,"completion_tokens":2.0,"total_tokens":1e300})") == (Usage{0, 2, 0}));
  CHECK(!usage("{}").has_value());
  CHECK(!usage(R"({"prompt_tokens":"9"})").has_value());
}

TEST_CASE(error_is_final) {
  Recorder recorder;
  DeltaParser parser(recorder);
  CHECK_FAILS(parser.feed("data: {\n\n"), Code::upstream_rejected);
  CHECK_FAILS(parser.feed(content("late")), Code::upstream_rejected);
  CHECK_FAILS(parser.finish(), Code::upstream_rejected);
  CHECK(recorder.deltas.empty());
}

TEST_CASE(damaged_streams_never_do_more_than_fail) {
  const std::string good = content("na\xc3\xafve") +
                           chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]})") +
                           content(R"(\ud83e\uddf5)") + kStop + kUsage + kDone;
  const unsigned seed = 20'261'123;  // any other will do
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (uint32_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % bad.size();
      switch (random() % 3) {
        case 0: bad[at] = static_cast<char>(random()); break;
        case 1: bad.erase(at, 1 + random() % 8); break;
        default: bad.insert(at, bad.substr(random() % bad.size(), random() % 16)); break;
      }
    }
    read_pieces({std::string_view(bad).substr(0, bad.size() / 2), std::string_view(bad).substr(bad.size() / 2)});
  }
}

}  // namespace
}  // namespace bobbin::upstream
