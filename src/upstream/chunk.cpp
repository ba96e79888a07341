#include "src/upstream/chunk.h"

#include <simdjson.h>

#include <deque>

#include "src/upstream/json_repair.h"

namespace bobbin::upstream {
namespace {

namespace dom = simdjson::dom;

// Documents up to this size share the thread's parser, which needs up to 14 times as much. Deltas have a few hundred
// bytes.
constexpr size_t kSharedBytesMax = size_t{16} * 1024;

// The text of a field; empty for an absent field and for one of another type.
std::string_view text_of(const simdjson::simdjson_result<dom::element>& field) {
  std::string_view text;
  if (field.get(text) != simdjson::SUCCESS) return {};
  return text;
}

// A count; 0 for what is none.
int64_t count_of(const simdjson::simdjson_result<dom::element>& field) {
  int64_t count = 0;
  if (field.get(count) == simdjson::SUCCESS) return count < 0 ? 0 : count;
  double number = 0;  // some servers write 12.0
  if (field.get(number) == simdjson::SUCCESS && number > 0 && number < 1e15) return static_cast<int64_t>(number);
  return 0;
}

std::optional<Usage> usage_of(const dom::object& document) {
  dom::object fields;
  if (document["usage"].get(fields) != simdjson::SUCCESS) return std::nullopt;
  Usage usage{.prompt_tokens = count_of(fields["prompt_tokens"]),
              .completion_tokens = count_of(fields["completion_tokens"]),
              .total_tokens = count_of(fields["total_tokens"])};
  if (usage == Usage{}) return std::nullopt;
  return usage;
}

// The choice with index 0, or without an index.
std::optional<dom::object> first_choice(const dom::object& document) {
  dom::array choices;
  if (document["choices"].get(choices) != simdjson::SUCCESS) return std::nullopt;
  for (const dom::element entry : choices) {
    dom::object choice;
    if (entry.get(choice) != simdjson::SUCCESS) continue;
    int64_t index = 0;
    if (choice["index"].get(index) == simdjson::SUCCESS && index != 0) continue;
    return choice;
  }
  return std::nullopt;
}

ToolCallDelta tool_call_of(const dom::object& call) {
  ToolCallDelta piece{.id = text_of(call["id"])};
  int64_t index = 0;
  if (call["index"].get(index) == simdjson::SUCCESS && index >= 0) piece.index = index;
  dom::object function;
  if (call["function"].get(function) == simdjson::SUCCESS) {
    piece.name = text_of(function["name"]);
    piece.arguments = text_of(function["arguments"]);
  }
  return piece;
}

// A numeric HTTP-like code, wherever servers put it.
int32_t error_number_of(const dom::object& error) {
  for (const char* name : {"code", "status"}) {
    const int64_t number = count_of(error[name]);
    if (number >= 100 && number <= 999) return static_cast<int32_t>(number);
  }
  return 0;
}

// Whether the document reports an error: `{"error":…}`, `{"object":"error",…}`, `{"detail":…}`.
bool read_error(const dom::object& document, Chunk& chunk) {
  dom::element error;
  if (document["error"].get(error) == simdjson::SUCCESS && !error.is_null()) {
    dom::object fields;
    chunk.error_number = error_number_of(error.get(fields) == simdjson::SUCCESS ? fields : document);
    return true;
  }
  if (document["choices"].error() == simdjson::SUCCESS) return false;
  if (text_of(document["object"]) == "error" || document["detail"].error() == simdjson::SUCCESS) {
    chunk.error_number = error_number_of(document);
    return true;
  }
  return false;
}

}  // namespace

struct ChunkParser::Impl {
  dom::parser parser;
  std::string padded;           // the document, with the bytes behind it that simdjson may look at
  std::deque<std::string> own;  // text that is not in the document as it is; a deque, so that views stay
  bool marked = false;

  simdjson::error_code parse_document(std::string_view json, dom::object& document) {
    padded.assign(json);
    padded.resize(json.size() + simdjson::SIMDJSON_PADDING);
    return parser.parse(padded.data(), json.size(), false).get(document);
  }

  Result<dom::object> parse(std::string_view json) {
    own.clear();
    marked = false;
    dom::object document;
    simdjson::error_code error = parse_document(json, document);
    if (error == simdjson::UTF8_ERROR || error == simdjson::STRING_ERROR) {
      marked = true;
      error = parse_document(mark_ill_formed(json), document);
    }
    if (error != simdjson::SUCCESS) return fail(Code::upstream_rejected, 0, "the model's server sent malformed JSON");
    return document;
  }

  std::string_view keep(std::string text) { return own.emplace_back(std::move(text)); }
  std::string_view as_sent(std::string_view text) { return marked ? keep(unmark(text)) : text; }

  // A message's content: a string, or a list of parts of which those with text count.
  std::string_view content_of(const dom::object& message) {
    const simdjson::simdjson_result<dom::element> field = message["content"];
    dom::array parts;
    if (field.get(parts) != simdjson::SUCCESS) return as_sent(text_of(field));
    std::string joined;
    for (const dom::element entry : parts) {
      dom::object part;
      if (entry.get(part) == simdjson::SUCCESS) joined.append(text_of(part["text"]));
    }
    return as_sent(keep(std::move(joined)));
  }

  void read_message(const dom::object& message, Chunk& chunk) {
    chunk.content = content_of(message);
    if (chunk.content.empty()) chunk.content = as_sent(text_of(message["refusal"]));
    chunk.reasoning = as_sent(text_of(message["reasoning_content"]));
    if (chunk.reasoning.empty()) chunk.reasoning = as_sent(text_of(message["reasoning"]));
    dom::array calls;
    if (message["tool_calls"].get(calls) != simdjson::SUCCESS) return;
    for (const dom::element entry : calls) {
      dom::object call;
      if (entry.get(call) != simdjson::SUCCESS) continue;
      ToolCallDelta piece = tool_call_of(call);
      dom::object arguments;  // some servers give the object itself, not its text
      if (call["function"]["arguments"].get(arguments) == simdjson::SUCCESS)
        piece.arguments = keep(simdjson::minify(arguments));
      piece.arguments = as_sent(piece.arguments);
      chunk.tool_calls.push_back(piece);
    }
  }
};

ChunkParser::ChunkParser() = default;
ChunkParser::~ChunkParser() = default;

ChunkParser::Impl& ChunkParser::impl_for(size_t bytes) {
  thread_local Impl shared;
  if (bytes <= kSharedBytesMax) return shared;
  if (large_ == nullptr) large_ = std::make_unique<Impl>();
  return *large_;
}

Result<Chunk> ChunkParser::parse(std::string_view json) {
  Impl& impl = impl_for(json.size());
  TRY_ASSIGN(const dom::object document, impl.parse(json));
  Chunk chunk;
  chunk.is_error = read_error(document, chunk);
  chunk.model = text_of(document["model"]);
  chunk.usage = usage_of(document);
  const std::optional<dom::object> choice = first_choice(document);
  if (!choice) return chunk;
  chunk.finish_reason = text_of((*choice)["finish_reason"]);
  dom::object message;
  if ((*choice)["delta"].get(message) == simdjson::SUCCESS || (*choice)["message"].get(message) == simdjson::SUCCESS) {
    impl.read_message(message, chunk);
  }
  return chunk;
}

}  // namespace bobbin::upstream
