#include "bench/load/answer_reader.h"

#include <charconv>

namespace bobbin::bench {
namespace {

constexpr size_t kEventBytesMax = size_t{1024} * 1024;

uint64_t id_of(const http::SseEvent& event) {
  uint64_t id = 0;
  const char* const end = event.id.data() + event.id.size();
  const auto [at, error] = std::from_chars(event.id.data(), end, id);
  return error == std::errc() && at == end ? id : 0;
}

}  // namespace

AnswerReader::AnswerReader(Dialect dialect, int64_t step, Listener& listener)
    : dialect_(dialect), listener_(listener), check_(step), events_(kEventBytesMax) {}

void AnswerReader::feed(std::string_view bytes) {
  while (!is_over()) {
    switch (parser_.next(bytes)) {
      case http::Event::need_more: return;
      case http::Event::head:
        if (parser_.head().status() != 200) check_.on_fault(Fault::failed);
        break;
      case http::Event::body: read_events(parser_.body_piece()); break;
      case http::Event::complete:
        check_.on_closed();
        is_whole_ = true;
        break;
      case http::Event::error: check_.on_fault(Fault::cut); break;
    }
  }
}

void AnswerReader::close() {
  if (!is_over()) check_.on_fault(Fault::cut);
}

void AnswerReader::read_events(std::string_view bytes) {
  for (;;) {
    switch (events_.next(bytes)) {
      case http::SseReader::Step::need_more: return;
      case http::SseReader::Step::error: return check_.on_fault(Fault::failed);
      case http::SseReader::Step::event: break;
    }
    if (dialect_ == Dialect::bobbin) {
      on_bobbin_event(events_.event());
    } else {
      on_model_event(events_.event());
    }
  }
}

void AnswerReader::on_token(int64_t number) {
  check_.on_token(number);
  listener_.on_token(number);
}

void AnswerReader::on_bobbin_event(const http::SseEvent& event) {
  check_.on_id(id_of(event));
  const std::string_view json = event.data;
  const auto is = [json](std::string_view begin) { return json.starts_with(begin); };
  if (is(R"({"type":"token",)")) {
    // A token without a number is none that the upstream said.
    on_token(token_in(json).value_or(-1));
  } else if (is(R"({"type":"done",)")) {
    check_.on_end(claimed_tokens_in(json));
  } else if (is(R"({"type":"stopped",)")) {
    check_.on_fault(Fault::stopped);
  } else if (is(R"({"type":"error",)") || is(R"({"type":"interrupted")")) {
    check_.on_fault(Fault::failed);
  }
}

void AnswerReader::on_model_event(const http::SseEvent& event) {
  if (event.data == "[DONE]") return check_.on_end(claimed_tokens_);
  if (const auto claimed = claimed_tokens_in(event.data)) {
    claimed_tokens_ = claimed;
  } else if (const auto number = token_in(event.data)) {
    on_token(*number);
  }
}

}  // namespace bobbin::bench
