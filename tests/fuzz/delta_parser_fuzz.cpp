// The body of a model server's answer: any split of the bytes gives the same text, tool calls, usage and end; all text
// is UTF-8, and no more than was asked for.

#include "src/upstream/delta_parser.h"

#include <string>

#include "src/base/text.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

using upstream::Answer;
using upstream::Delta;
using upstream::DeltaKind;
using upstream::DeltaParser;

class Sink final : public upstream::DeltaSink {
 public:
  void on_delta(const Delta& delta) noexcept override {
    FUZZ_CHECK(!delta.text.empty() && is_utf8(delta.text));
    (delta.kind == DeltaKind::content ? content : reasoning) += delta.text;
  }
  void on_usage(const upstream::Usage& seen) noexcept override { usage = seen; }
  std::string content;
  std::string reasoning;
  upstream::Usage usage;
};

struct Outcome {
  std::string content;
  std::string reasoning;
  upstream::Usage usage;
  std::optional<Answer> answer;
  Code code = Code::internal;
  std::string excerpt;
  bool has_finish_reason = false;
  uint64_t progress = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view body, Cut cut, size_t answer_bytes_max) {
  Sink sink;
  DeltaParser parser(sink, answer_bytes_max);
  feed_pieces(body, cut, [&](std::string_view piece) { return parser.feed(piece).has_value() && !parser.is_done(); });
  Outcome outcome;
  Result<Answer> answer = parser.finish();
  if (answer) {
    outcome.answer = std::move(*answer);
  } else {
    outcome.code = answer.error().code;
  }
  outcome.content = sink.content;
  outcome.reasoning = sink.reasoning;
  outcome.usage = sink.usage;
  outcome.excerpt = parser.error_excerpt();
  outcome.has_finish_reason = parser.has_finish_reason();
  outcome.progress = parser.progress();
  return outcome;
}

void check(std::string_view body, size_t answer_bytes_max) {
  const std::vector<Cut> cuts = cuts_of(body);
  const Outcome whole = read(body, cuts.front(), answer_bytes_max);
  for (size_t i = 1; i < cuts.size(); ++i) FUZZ_CHECK(read(body, cuts[i], answer_bytes_max) == whole);
  size_t bytes = whole.content.size() + whole.reasoning.size();
  FUZZ_CHECK(is_utf8(whole.excerpt) && !has_control_characters(whole.excerpt));
  if (!whole.answer) {
    FUZZ_CHECK(whole.code == Code::upstream_rejected || whole.code == Code::upstream_unavailable);
    return;
  }
  for (const upstream::ToolCall& call : whole.answer->tool_calls) {
    FUZZ_CHECK(is_utf8(call.id) && is_utf8(call.name) && is_utf8(call.arguments));
    bytes += call.arguments.size();
  }
  // A lone byte becomes U+FFFD, of three.
  FUZZ_CHECK(bytes <= 3 * answer_bytes_max);
  FUZZ_CHECK(!whole.answer->finish_reason.empty() && whole.answer->finish_reason.size() <= 32);
  FUZZ_CHECK(whole.answer->finish_reason.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
  FUZZ_CHECK(whole.answer->model.size() <= 128 && is_utf8(whole.answer->model));
  FUZZ_CHECK(!has_control_characters(whole.answer->model));
}

}  // namespace

void run(std::string_view input) {
  check(input, 1024 * 1024);
  check(input, 12);
}

}  // namespace bobbin::fuzz
