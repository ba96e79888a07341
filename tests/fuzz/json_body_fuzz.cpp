// JSON bodies of requests: any bytes are refused or give values within their bounds; text that our own writer has
// escaped comes back as it was.

#include <string>

#include "src/api/account_request.h"
#include "src/api/chat_request.h"
#include "src/api/user_setting.h"
#include "src/base/json.h"
#include "src/base/limits.h"
#include "src/base/text.h"
#include "src/chat/user_settings.h"
#include "tests/fuzz/support/fuzz.h"

namespace bobbin::fuzz {
namespace {

void check_chat_request(std::string_view body) {
  const Result<api::ChatRequest> request = api::parse_chat_request(body);
  if (!request) {
    const Code code = request.error().code;
    FUZZ_CHECK(code == Code::malformed || code == Code::invalid || code == Code::too_large);
    return;
  }
  FUZZ_CHECK(is_utf8(body));
  FUZZ_CHECK(is_utf8(request->message) && request->message.size() <= limits::kMessageBytesMax);
  FUZZ_CHECK(request->message.empty() == request->continues);
  FUZZ_CHECK(is_utf8(request->thread_id) && request->thread_id.size() <= limits::kThreadIdBytesMax);
  FUZZ_CHECK(!has_control_characters(request->thread_id));
  FUZZ_CHECK(is_utf8(request->model));
  // White space around a document changes nothing, nor does a field that nobody knows.
  const Result<api::ChatRequest> spaced = api::parse_chat_request(" \n" + std::string(body) + "\t\r\n ");
  FUZZ_CHECK(spaced.has_value() && api::normalise(*spaced) == api::normalise(*request));
}

void check_round_trip(std::string_view text) {
  if (!is_utf8(text)) return;
  std::string body = "{\"message\":";
  json::append_string(body, text);
  body += ",\"unknown\":[";
  json::append_string(body, text);
  body += "]}";
  const Result<api::ChatRequest> request = api::parse_chat_request(body);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    FUZZ_CHECK(!request && request.error().code == Code::invalid);
  } else {
    FUZZ_CHECK(request.has_value() && request->message == text);
  }
}

void check_others(std::string_view body) {
  if (const Result<api::StopRequest> stop = api::parse_stop_request(body)) FUZZ_CHECK(!stop->thread_id.empty());
  if (const Result<std::vector<api::SettingChange>> changes = api::parse_setting_changes(body)) {
    for (const api::SettingChange& change : *changes) {
      // What is kept is JSON: a number, or a string that the runs can read back.
      if (change.name == "keep_days") FUZZ_CHECK(change.json.find_first_not_of("0123456789") == std::string::npos);
      if (change.name != "keep_days" && !change.json.empty())
        FUZZ_CHECK(!chat::decode_text_setting(change.json).empty());
    }
  }
  if (const Result<api::RegisterRequest> request = api::parse_register_request(body)) touch(request->account.email);
  if (const Result<api::KeyRequest> request = api::parse_key_request(body)) FUZZ_CHECK(request->scopes != 0);
  if (const Result<api::AccountChange> change = api::parse_account_change(body))
    FUZZ_CHECK(change->role || change->state || change->logout);
  static_cast<void>(api::parse_invitation_request(body));
  static_cast<void>(api::parse_logout_request(body));
  static_cast<void>(api::parse_password_request(body));
  if (const Result<std::string> secret = api::parse_login_request(body)) touch(*secret);
}

}  // namespace

void run(std::string_view input) {
  check_chat_request(input);
  check_round_trip(input);
  check_others(input);
}

}  // namespace bobbin::fuzz
