#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/base/uuid.h"
#include "storage/commands.h"

// The JSON bodies of requests, checked.
namespace bobbin::api {

// POST /chat/stream.
struct ChatRequest {
  std::string message;    // 1..kMessageBytesMax bytes, not white space alone; empty: continue
  std::string thread_id;  // checked; empty: the server makes one
  std::string model;      // empty: the server's default
  store::OnBusy on_busy = store::OnBusy::queue;
  bool continues = false;           // the newest answer is to be finished; thread_id is given
  bool stop_on_disconnect = false;  // the run ends when this client leaves
  uint32_t expires_in_s = 0;        // of the thread that it makes, after each message; 0: as long as the user's others
};

// Errors: malformed (not JSON, not UTF-8, also inside fields that nobody reads), too_large (the message), invalid
// (wrong types, empty message, bad thread id, a known field twice). Unknown fields are ignored.
Result<ChatRequest> parse_chat_request(std::string_view body);
// The same text for all bodies that ask for the same.
std::string normalise(const ChatRequest& request);

// POST /chat/stop. Errors: malformed, invalid.
struct StopRequest {
  std::string thread_id;
  std::optional<Uuid> run_id;  // absent: the active one
};
Result<StopRequest> parse_stop_request(std::string_view body);

// POST /auth/link: the secret of a one-time link. Errors: malformed, invalid.
Result<std::string> parse_login_request(std::string_view body);

}  // namespace bobbin::api
