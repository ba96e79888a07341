#include "src/upstream/delta_parser.h"

#include <optional>

#include "proto_http/sse_reader.h"
#include "src/base/text.h"
#include "src/upstream/chunk.h"
#include "src/upstream/tool_call_gatherer.h"
#include "src/upstream/upstream_error.h"
#include "src/upstream/utf8_joiner.h"

namespace bobbin::upstream {
namespace {

constexpr size_t kModelBytesMax = 128;
constexpr size_t kFinishReasonBytesMax = 32;
constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view trim(std::string_view text) noexcept {
  const size_t from = text.find_first_not_of(kWhiteSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kWhiteSpace) - from + 1);
}

// The reason as a word that clients can rely on; `stop` for what is none.
std::string finish_word(std::string_view reason) {
  std::string word;
  for (const char c : reason.substr(0, kFinishReasonBytesMax + 1)) {
    word.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
  }
  const bool is_word = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  if (!is_word || word.size() > kFinishReasonBytesMax) return "stop";
  return word == "max_tokens" ? "length" : word;
}

}  // namespace

class DeltaParser::Impl {
 public:
  Impl(DeltaSink& sink, size_t answer_bytes_max) : sink_(sink), answer_bytes_max_(answer_bytes_max) {}

  Result<void> feed(std::string_view bytes);
  Result<Answer> finish();
  [[nodiscard]] bool is_done() const noexcept { return done_; }
  [[nodiscard]] bool has_finish_reason() const noexcept { return !answer_.finish_reason.empty(); }
  [[nodiscard]] uint64_t progress() const noexcept { return body_ == Body::document ? document_.size() : events_; }
  [[nodiscard]] const std::string& excerpt() const noexcept { return excerpt_; }

 private:
  enum class Body : uint8_t { unknown, stream, document };

  Result<void> feed_stream(std::string_view bytes);
  Result<void> take_event(const http::SseEvent& event);
  Result<void> take_document(std::string_view json);
  Result<void> take_tool_calls(const Chunk& chunk);
  void note(const Chunk& chunk);
  void emit(DeltaKind kind, std::string_view text);
  void end_by_length();
  Result<void> keep_error(Result<void> result);

  DeltaSink& sink_;
  const size_t answer_bytes_max_;
  Body body_ = Body::unknown;
  http::SseReader reader_{kEventBytesMax};
  std::string document_;
  ChunkParser chunks_;
  Utf8Joiner content_;
  Utf8Joiner reasoning_;
  ToolCallGatherer tool_calls_;
  Answer answer_;
  size_t answer_bytes_ = 0;
  uint64_t stream_bytes_ = 0;
  uint64_t events_ = 0;
  bool done_ = false;       // nothing more is read
  bool too_long_ = false;   // nothing more is handed on
  bool malformed_ = false;  // the last document was no JSON
  std::optional<Error> error_;
  std::string excerpt_;
};

Result<void> DeltaParser::Impl::feed(std::string_view bytes) {
  if (error_) return fail(*error_);
  stream_bytes_ += bytes.size();
  if (body_ == Body::unknown) {
    const size_t first = bytes.find_first_not_of(kWhiteSpace);
    if (first == std::string_view::npos) {
      if (stream_bytes_ <= kWholeAnswerBytesMax) return {};
      return keep_error(fail(Code::upstream_rejected, 0, "the model's server sent nothing but white space"));
    }
    // Also what stands before it in these bytes: else their cut would decide whether it is seen.
    bytes.remove_prefix(first);
    body_ = bytes[0] == '{' ? Body::document : Body::stream;
  }
  if (body_ == Body::stream) return keep_error(feed_stream(bytes));
  if (document_.size() + bytes.size() > kWholeAnswerBytesMax) {
    return keep_error(fail(Code::upstream_rejected, 0, "the model's answer is too long"));
  }
  document_.append(bytes);
  return {};
}

Result<void> DeltaParser::Impl::feed_stream(std::string_view bytes) {
  if (stream_bytes_ > kStreamBytesMax && !done_) end_by_length();
  while (!done_) {
    switch (reader_.next(bytes)) {
      case http::SseReader::Step::need_more: return {};
      case http::SseReader::Step::error:
        return fail(Code::upstream_rejected, 0, "the model's server sent too long an event");
      case http::SseReader::Step::event: TRY(take_event(reader_.event())); break;
    }
  }
  return {};
}

Result<void> DeltaParser::Impl::take_event(const http::SseEvent& event) {
  const std::string_view data = trim(event.data);
  events_ += data.empty() ? 0 : 1;
  if (event.type == "error") {
    excerpt_ = upstream::error_excerpt(data);
    return fail(Code::upstream_rejected, 0, "the model's server reported an error");
  }
  if (data.empty()) return {};
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  return take_document(data);
}

Result<void> DeltaParser::Impl::take_document(std::string_view json) {
  Result<Chunk> chunk = chunks_.parse(json);
  if (!chunk || chunk->is_error) excerpt_ = upstream::error_excerpt(json);
  malformed_ = !chunk.has_value();
  TRY(chunk);
  if (chunk->is_error) {
    if (chunk->error_number >= 400) return fail(error_of_status(chunk->error_number));
    return fail(Code::upstream_rejected, chunk->error_number, "the model's server reported an error");
  }
  note(*chunk);
  emit(DeltaKind::reasoning, reasoning_.join(chunk->reasoning));
  emit(DeltaKind::content, content_.join(chunk->content));
  return take_tool_calls(*chunk);
}

Result<void> DeltaParser::Impl::take_tool_calls(const Chunk& chunk) {
  for (const ToolCallDelta& piece : chunk.tool_calls) {
    if (too_long_) return {};
    const size_t bytes = piece.id.size() + piece.name.size() + piece.arguments.size();
    if (bytes > answer_bytes_max_ - answer_bytes_) {
      end_by_length();
      return {};
    }
    answer_bytes_ += bytes;
    TRY(tool_calls_.add(piece));
  }
  return {};
}

void DeltaParser::Impl::note(const Chunk& chunk) {
  if (chunk.usage) {
    answer_.usage = chunk.usage;
    sink_.on_usage(*chunk.usage);
  }
  if (!chunk.finish_reason.empty()) answer_.finish_reason = finish_word(chunk.finish_reason);
  const bool is_name = !chunk.model.empty() && chunk.model.size() <= kModelBytesMax && is_utf8(chunk.model) &&
                       !has_control_characters(chunk.model);
  if (is_name && answer_.model.empty()) answer_.model = chunk.model;
}

void DeltaParser::Impl::emit(DeltaKind kind, std::string_view text) {
  if (text.empty() || too_long_) return;
  const size_t room = answer_bytes_max_ - answer_bytes_;
  const bool is_cut = text.size() > room;
  if (is_cut) {
    text = text.substr(0, room);
    text.remove_suffix(utf8_tail_bytes(text));
  }
  answer_bytes_ += text.size();
  if (!text.empty()) sink_.on_delta({.kind = kind, .text = text});
  if (is_cut) end_by_length();
}

void DeltaParser::Impl::end_by_length() {
  too_long_ = true;
  done_ = true;
  answer_.finish_reason = "length";
}

Result<void> DeltaParser::Impl::keep_error(Result<void> result) {
  if (!result) error_ = result.error();
  return result;
}

Result<Answer> DeltaParser::Impl::finish() {
  if (error_) return fail(*error_);
  if (body_ == Body::document) {
    TRY(keep_error(take_document(document_)));
  } else if (!done_ && reader_.finish() == http::SseReader::Step::event) {
    // The last event may be torn: that must not spoil an answer that is whole without it, nor look like the server's
    // fault.
    const Result<void> last = take_event(reader_.event());
    if (!last && !malformed_) return fail(keep_error(last).error());
  }
  if (!done_ && answer_.finish_reason.empty()) {
    error_ = Error(Code::upstream_unavailable, 0, "the model's answer was cut");
    return fail(*error_);
  }
  emit(DeltaKind::reasoning, reasoning_.finish());
  emit(DeltaKind::content, content_.finish());
  answer_.tool_calls = tool_calls_.take();
  if (answer_.finish_reason.empty()) answer_.finish_reason = "stop";
  if (answer_.finish_reason == "stop" && !answer_.tool_calls.empty()) answer_.finish_reason = "tool_calls";
  return std::move(answer_);
}

DeltaParser::DeltaParser(DeltaSink& sink, size_t answer_bytes_max)
    : impl_(std::make_unique<Impl>(sink, answer_bytes_max)) {}
DeltaParser::~DeltaParser() = default;

Result<void> DeltaParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
bool DeltaParser::is_done() const noexcept { return impl_->is_done(); }
bool DeltaParser::has_finish_reason() const noexcept { return impl_->has_finish_reason(); }
uint64_t DeltaParser::progress() const noexcept { return impl_->progress(); }
Result<Answer> DeltaParser::finish() { return impl_->finish(); }
const std::string& DeltaParser::error_excerpt() const noexcept { return impl_->excerpt(); }

}  // namespace bobbin::upstream
