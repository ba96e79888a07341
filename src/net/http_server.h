#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/limits.h"
#include "src/base/result.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"
#include "src/net/listener.h"
#include "src/net/request.h"
#include "src/net/responder.h"
#include "src/net/slot_table.h"

namespace bobbin::net {

class CurrentTls;

// Answers requests. Called on the loop, never inside a call of Responder.
class RequestHandler {
 public:
  // A whole request. The answer may be given inside this call or any time later; until then the connection's next
  // request waits. A responder that is dropped without an answer leaves its client waiting: that is a bug.
  virtual void on_request(Request&& request, Responder responder) noexcept = 0;

  // A connection has ended, for logs and tests. `reason`: closed (by the client, or after a last answer), timeout,
  // overloaded (too slow for a stream's hard mark), draining (by begin_drain or close_all), cancelled (aborted by a
  // handler), or the Code of a protocol error.
  virtual void on_connection_closed(const SocketAddress& peer, Code reason) noexcept;

  // Adds the fields that every answer of this handler carries to one that the connection gives by itself, to a request
  // that never becomes whole (400, 408, 413 …); without them, a page of another origin could not read why. `head` is
  // null when there is none to trust; it and `headers` live for the call only.
  virtual void append_common_headers(const http::RequestHead* head, HeaderList& headers) noexcept;

 protected:
  ~RequestHandler() = default;
};

// The HTTP/1.1 server of one loop: its listener and its connections. All calls on the loop's thread. The process must
// ignore SIGPIPE: libuv writes to clients that have left.
class HttpServer final : private Acceptor {
 public:
  struct Options {
    size_t connections_max = limits::kConnectionsPerWorkerMax;
    size_t request_line_bytes_max = limits::kRequestLineBytesMax;
    size_t header_block_bytes_max = limits::kHeaderBlockBytesMax;
    size_t body_bytes_max = limits::kBodyBytesMax;
    uint32_t header_timeout_ms = limits::kHeaderTimeoutMs;
    uint32_t body_idle_timeout_ms = limits::kBodyIdleTimeoutMs;
    // On average since the head, from body_idle_timeout_ms on.
    uint32_t body_bytes_per_second_min = limits::kBodyBytesPerSecondMin;
    uint32_t idle_timeout_ms = limits::kIdleTimeoutMs;
    uint32_t write_stall_timeout_ms = limits::kWriteStallTimeoutMs;
    // With more connections than this on the loop, those that do nothing have less time: so that thousands of them are
    // gone within half a minute. A browser opens another one without a word, a reader of a stream goes on where it was.
    size_t crowded_connections = 256;
    uint32_t crowded_idle_timeout_ms = 15'000;
    uint32_t crowded_write_stall_timeout_ms = 12'000;  // twice, where some of it is taken at first
    // TLS handshakes at once: each takes some 40 KiB until it is done. Past it the oldest makes room: an honest one
    // takes a round trip, one that was left standing costs its memory for ten seconds.
    size_t handshakes_max = 512;
    // Over all bodies that are not whole yet. Past it one that has more than incoming_bytes_always_allowed becomes 503
    // `overloaded`.
    size_t incoming_bytes_max = limits::kIncomingBytesPerWorkerMax;
    size_t incoming_bytes_always_allowed = limits::kIncomingBytesAlwaysAllowed;
    size_t egress_soft_bytes = limits::kEgressSoftBytes;
    size_t egress_hard_bytes = limits::kEgressHardBytes;
    // Over all connections, see unsent_bytes(). Past it, an answer of more than unsent_bytes_always_allowed becomes 503
    // `overloaded`, and a stream that has more than that waiting is dropped at its next write.
    size_t unsent_bytes_max = limits::kUnsentBytesPerWorkerMax;
    size_t unsent_bytes_always_allowed = limits::kUnsentBytesAlwaysAllowed;
    // After a last answer, input is thrown away for so long and so far, so that a reset cannot overtake the answer.
    uint32_t linger_timeout_ms = 2'000;
    size_t linger_bytes_max = 1024 * 1024;
    // The kernel's send buffer of each connection; 0 leaves it to the kernel. For tests of slow readers.
    int send_buffer_bytes = 0;
    // Of every answer, also of those that connections give by themselves; where an answer has a field of that name, its
    // own counts. They live as long as the server.
    std::span<const http::HeaderField> common_fields = {};
    // With it the server speaks TLS, and nothing else. Outlives the server.
    const CurrentTls* tls = nullptr;
  };

  // `loop` and `handler` outlive the server.
  HttpServer(Loop& loop, const Options& options, RequestHandler& handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Never opened, or drained: closed() is done.
  ~HttpServer();

  // Starts to accept at `address`. Call once. Errors: io.
  Result<void> listen(const BoundAddress& address);

  // Stops accepting (what the kernel has accepted is still served), closes idle connections; busy ones finish their
  // answer, which says `Connection: close`. Idempotent.
  void begin_drain() noexcept;

  // begin_drain(), and closes every connection as it is: unfinished answers are cut.
  void close_all() noexcept;

  // Done when, after begin_drain(), the listener and the last connection have closed: the server may be destroyed then
  // (by whoever waits, in that very call).
  [[nodiscard]] Completion& closed() noexcept { return closed_; }

  [[nodiscard]] size_t connection_count() const noexcept { return connections_.count(); }
  // The memory of answers that have not left: each part counts until libuv has written the whole of it, as it is freed
  // only then. Static bodies cost none.
  [[nodiscard]] size_t unsent_bytes() const noexcept { return unsent_bytes_; }
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }

 private:
  friend class Connection;
  friend class Responder;

  static constexpr size_t kReadBufferBytes = 64 * 1024;

  void on_accept(int fd, const SocketAddress& peer) noexcept override;
  void on_accept_refused() noexcept override;
  void on_listener_closed() noexcept override;
  void on_connection_freed(SlotName name, const SocketAddress& peer, Code reason) noexcept;
  void complete_if_empty() noexcept;
  // A connection has begun its TLS handshake.
  void note_handshake(SlotName name) noexcept;
  [[nodiscard]] bool is_crowded() const noexcept { return connections_.count() > options_.crowded_connections; }
  // As they are now.
  [[nodiscard]] uint32_t idle_timeout_ms() const noexcept;
  [[nodiscard]] uint32_t write_stall_timeout_ms() const noexcept;
  // IMF-fixdate of this second.
  std::string_view date() noexcept;

  Loop& loop_;
  const Options options_;
  const http::ParserLimits parser_limits_;
  RequestHandler& handler_;
  Listener listener_;
  SlotTable<Connection> connections_;
  std::deque<SlotName> handshakes_;  // the oldest first, and some that are done or gone; handshakes_max at most
  size_t unsent_bytes_ = 0;          // the sum of what the connections have counted
  size_t incoming_bytes_ = 0;        // the same of bodies that are not whole
  Completion closed_;
  // One for all connections: what was read is parsed, or copied, before the next read.
  std::unique_ptr<std::array<char, kReadBufferBytes>> read_buffer_;
  // And what was decrypted of it.
  std::string plain_;
  // Scratch space for the fields of the answer that is being written.
  std::vector<http::HeaderField> fields_;
  std::string date_;
  int64_t date_second_ = -1;
  bool listener_open_ = false;
  bool draining_ = false;
};

}  // namespace bobbin::net
