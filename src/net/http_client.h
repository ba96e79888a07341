#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto_http/response_parser.h"
#include "proto_http/url.h"
#include "src/base/limits.h"
#include "src/base/result.h"
#include "src/loop/cancel.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/loop/task.h"
#include "src/net/address.h"
#include "src/net/proxy.h"
#include "src/net/tls.h"

namespace bobbin::net {

class Call;
class ClientPool;

// One HTTP/1.1 request and how long each phase of it may take.
struct HttpCallOptions {
  std::string method = "GET";
  http::Url url;
  // As they go on the wire. Host, Content-Length, Transfer-Encoding, Connection and Proxy-* are the client's own and
  // are refused here (Code::invalid), as is anything that could forge a line.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Name lookup, connect, proxy and TLS handshake together.
  uint32_t connect_timeout_ms = limits::kUpstreamConnectTimeoutMs;
  // From handing the request to the socket until the whole head of the answer is there.
  uint32_t first_byte_timeout_ms = limits::kUpstreamFirstByteTimeoutMs;
  // Silence within the body. Does not run while the caller itself does not read.
  uint32_t idle_timeout_ms = limits::kUpstreamIdleTimeoutMs;
  size_t head_bytes_max = 64 * 1024;
  // Which addresses may be connected to; null allows all. A call with a policy never goes through a proxy, which
  // would do the lookup where we cannot see it. Refused: Code::forbidden.
  AddressPolicy address_policy = nullptr;
  // On a connection of its own, so that it never goes out twice: for what must not be done twice.
  bool once = false;
};

struct HttpClientOptions {
  // For https URLs; without it they fail with Code::invalid. Shared by all loops.
  std::shared_ptr<const TlsContext> tls;
  ProxyRules proxies;
  // Connections kept for reuse, over all hosts, and for how long. Most servers close theirs after 60 s or more.
  uint32_t pool_connections_max = 64;
  uint32_t pool_idle_timeout_ms = 50'000;
};

// The outbound side of one loop: a pool of keep-alive connections. Everything on the loop's thread.
class HttpClient {
 public:
  HttpClient(Loop& loop, HttpClientOptions options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  // All calls are destroyed and, if there ever was one, begin_close() has completed.
  ~HttpClient();

  // Closes pooled connections and ends running calls with Code::cancelled; later ones fail the same way. Complete when
  // every socket and name lookup is gone. Call once.
  Completion& begin_close() noexcept;

  // For metrics and tests.
  [[nodiscard]] size_t pooled_count() const noexcept;
  [[nodiscard]] size_t open_count() const noexcept;

 private:
  friend class HttpCall;
  std::unique_ptr<ClientPool> pool_;
};

// One exchange, as a named object in the caller's frame:
//
//   HttpCall call(client, std::move(options), scope);
//   CO_TRY_ASSIGN(const http::ResponseHead head, co_await call.head());
//   for (;;) {
//     CO_TRY_ASSIGN(const std::string_view piece, co_await call.read());
//     if (piece.empty()) break;
//     …
//   }
//
// Redirects are answers like any other. A request is sent a second time in one case only: it went out on a pooled
// connection that the server had closed meanwhile, and not one byte of an answer came (never with `once`).
//
// Errors of both calls, which every later call repeats:
//   invalid    the request cannot be sent as it is: scheme, method, headers
//   forbidden  the address policy refuses every address of the host
//   timeout    detail says which phase
//   io         the network refused; number is uv's or OpenSSL's; "host not found", "connection refused",
//              "certificate: name does not match", "proxy: …"
//   closed     the server hung up: before an answer, or "the answer was cut"
//   malformed  what came is not an HTTP/1.1 answer; too_large: its head is over head_bytes_max
//   cancelled  the scope asked, or the client is closing; the socket is closed before the waiter resumes
class HttpCall {
 public:
  // Nothing happens until head(). `scope` and `client` outlive the call.
  HttpCall(HttpClient& client, HttpCallOptions options, CancelScope& scope);
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;
  // Closes the connection when the answer has not been read to its end. Nobody may be waiting.
  ~HttpCall();

  // Sends the request and waits for the head of the final answer (1xx are skipped). Call once, before read().
  Task<Result<http::ResponseHead>> head();

  // The next bytes of the body, valid until the next read() or the end of the call; all that one socket read brought,
  // or several when the caller was slow. Empty: the body has ended, and the framing says that it is whole.
  // At most kReadAheadBytesMax and one socket read wait here; then the server has to.
  Task<Result<std::string_view>> read();

  // Reads and drops at most `bytes_max` of the body, so that a short answer leaves its connection to the next call.
  // True when the end was reached.
  Task<Result<bool>> drain(size_t bytes_max);

  static constexpr size_t kReadAheadBytesMax = 128 * 1024;

 private:
  std::unique_ptr<Call> call_;
};

}  // namespace bobbin::net
