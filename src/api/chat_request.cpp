#include "src/api/chat_request.h"

#include "src/api/exchange.h"
#include "src/api/json_body.h"
#include "src/base/json.h"
#include "src/base/limits.h"
#include "storage/retention.h"

namespace bobbin::api {
namespace {

Result<std::string> message_text(const BodyField& field) {
  if (!field.is_there()) return fail(Code::invalid, 0, "message is missing");
  const auto text = field.text();
  if (!text) return fail(Code::invalid, 0, "message must be a string");
  if (text->size() > limits::kMessageBytesMax) return fail(Code::too_large, 0, "message is longer than 256 KiB");
  if (text->find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(Code::invalid, 0, "message must not be empty");
  return std::string(*text);
}

Result<store::OnBusy> on_busy_choice(std::string_view word) {
  if (word.empty() || word == "queue") return store::OnBusy::queue;
  if (word == "reject") return store::OnBusy::reject;
  if (word == "interrupt") return store::OnBusy::interrupt;
  return fail(Code::invalid, 0, "on_busy must be \"queue\", \"reject\" or \"interrupt\"");
}

const char* on_busy_word(store::OnBusy choice) noexcept {
  switch (choice) {
    case store::OnBusy::queue: return "queue";
    case store::OnBusy::reject: return "reject";
    case store::OnBusy::interrupt: return "interrupt";
  }
  return "queue";
}

Result<bool> is_stop(std::string_view word) {
  if (word.empty() || word == "continue") return false;
  if (word == "stop") return true;
  return fail(Code::invalid, 0, "on_disconnect must be \"continue\" or \"stop\"");
}

// A temporary chat lasts ten years at most.
constexpr uint32_t kExpiresInMax = 3650 * store::kSecondsPerDay;

// A whole number of 1..max; absent and null are 0.
Result<uint32_t> number_or_zero(const BodyField& field, uint32_t max, const char* complaint) {
  if (field.is_empty()) return 0u;
  const auto number = field.count();
  if (!number || *number == 0 || *number > max) return fail(Code::invalid, 0, complaint);
  return static_cast<uint32_t>(*number);
}

constexpr size_t kModelNameBytesMax = 128;

}  // namespace

Result<ChatRequest> parse_chat_request(std::string_view body) {
  TRY_ASSIGN(const auto fields,
             parse_object(body, std::to_array<std::string_view>({"message", "thread_id", "model", "on_busy",
                                                                 "expires_in", "continue", "on_disconnect"})));
  ChatRequest request;
  TRY_ASSIGN(request.continues, truth(fields[5], "continue must be true or false"));
  if (!request.continues) {
    TRY_ASSIGN(request.message, message_text(fields[0]));
  } else if (!fields[0].is_empty()) {
    return fail(Code::invalid, 0, "a request to continue has no message");
  }
  TRY_ASSIGN(request.thread_id, text_or_empty(fields[1], "thread_id must be a string"));
  if (!request.thread_id.empty()) TRY(check_thread_id(request.thread_id));
  TRY_ASSIGN(request.model, text_or_empty(fields[2], "model must be a string"));
  if (request.model.size() > kModelNameBytesMax) return fail(Code::invalid, 0, "model is longer than 128 bytes");
  TRY_ASSIGN(const std::string on_busy, text_or_empty(fields[3], "on_busy must be a string"));
  TRY_ASSIGN(request.on_busy, on_busy_choice(on_busy));
  TRY_ASSIGN(request.expires_in_s,
             number_or_zero(fields[4], kExpiresInMax, "expires_in must be 1 to 315360000 seconds"));
  TRY_ASSIGN(const std::string on_disconnect, text_or_empty(fields[6], "on_disconnect must be a string"));
  TRY_ASSIGN(request.stop_on_disconnect, is_stop(on_disconnect));
  if (request.continues && request.thread_id.empty())
    return fail(Code::invalid, 0, "a request to continue needs a thread_id");
  return request;
}

std::string normalise(const ChatRequest& request) {
  std::string out;
  json::Object object(out);
  object.field("message", request.message).field("thread_id", request.thread_id).field("model", request.model);
  object.field("on_busy", on_busy_word(request.on_busy)).number("expires_in", request.expires_in_s);
  object.boolean("continue", request.continues).boolean("stop_on_disconnect", request.stop_on_disconnect).close();
  return out;
}

Result<StopRequest> parse_stop_request(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"thread_id", "run_id"})));
  StopRequest request;
  TRY_ASSIGN(request.thread_id, text_or_empty(fields[0], "thread_id must be a string"));
  TRY(check_thread_id(request.thread_id));
  TRY_ASSIGN(const std::string run_id, text_or_empty(fields[1], "run_id must be a string"));
  if (!run_id.empty()) {
    request.run_id = Uuid::parse(run_id);
    if (!request.run_id) return fail(Code::not_found, 0, "no such run in this thread");
  }
  return request;
}

Result<std::string> parse_login_request(std::string_view body) {
  TRY_ASSIGN(const auto fields, parse_object(body, std::to_array<std::string_view>({"secret"})));
  return text_or_empty(fields[0], "secret must be a string");
}

}  // namespace bobbin::api
