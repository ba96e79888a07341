#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/loop/cancel.h"
#include "src/loop/task.h"
#include "src/net/http_client.h"
#include "src/tools/json_value.h"

namespace bobbin::tools {

// What a server says beside the answer that is waited for.
class McpListener {
 public:
  virtual void on_notification(std::string_view method, const JsonValue& params) noexcept = 0;
  // The server has asked for something; this is what it should be sent.
  virtual void on_reply_due(std::string reply) noexcept = 0;

 protected:
  ~McpListener() = default;
};

// What became of one message to a server.
struct McpAnswer {
  enum class Kind : uint8_t {
    result,        // `message["result"]` is an object
    error,         // the server answered with an error of JSON-RPC
    accepted,      // it took a message that has no answer
    cut,           // the event stream ended before the answer; it may be asked for on from `last_event_id`
    session_lost,  // the server does not know the session (any more) and has done nothing
    refused,       // any other status
    failed,        // no answer that could be understood
  };
  Kind kind = Kind::failed;
  // For the model, unless result or accepted: "refused: …". In the server's words, which may be long and repeat
  // secrets.
  std::string sentence = {};
  std::optional<JsonDocument> document = {};  // with result and error
  JsonValue message = {};                     // in it
  std::string session_id = {};                // what the server called a new session
  std::string last_event_id = {};             // of the stream; empty: it cannot be resumed
  std::optional<uint64_t> retry_ms = {};      // when the server wants to be asked again
  int status = 0;                             // 0: none came
};

// Sends `request` and reads until the answer to `wanted_id` has come, over a JSON body or an event stream; 0: none is
// waited for, and the stream of a GET is read to its end. Everything is bounded.
Task<McpAnswer> mcp_exchange(net::HttpClient& client, net::HttpCallOptions request, int64_t wanted_id,
                             McpListener& listener, CancelScope& scope);

}  // namespace bobbin::tools
