#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto_http/request_parser.h"
#include "src/base/result.h"
#include "src/loop/loop.h"
#include "src/net/listener.h"
#include "src/net/responder.h"
#include "src/net/slot_table.h"
#include "src/net/tls.h"

namespace bobbin::net {

class HttpServer;

// One TCP connection of a server: reads a request, hands it to the handler, writes the answer, and so on, one request
// at a time. Made by the server; frees itself when its handle has closed and nowhere else; others name it by SlotName.
// With TLS, what is said below of bytes is about those inside the encryption.
//
//   handshake (TLS)
//    ▾
//   idle ─▸ head ─▸ body ─▸ handling ─begin_stream─▸ streaming         any ─close()─▸ closing
//    ▴                         │ send                    │ end
//    └───────── kept ◂─────────┴────── or the last ──────┴─▸ lingering
class Connection final : private Timer, private TurnHook {
 public:
  // Takes the connected socket `fd`.
  static void start(HttpServer& server, int fd, const SocketAddress& peer) noexcept;

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts to close, whatever is under way. Idempotent.
  void close(Code reason) noexcept;
  // Closes now when idle; else the current answer is the last.
  void begin_drain() noexcept;
  [[nodiscard]] bool is_handshaking() const noexcept { return state_ == State::handshake; }
  // The server has become crowded: what is waited for has to come within its new, shorter times from now on.
  void shorten_deadline() noexcept;

  // Whether the exchange `sequence` waits for its answer or for the end of it. The calls below need one that does.
  [[nodiscard]] bool is_open(uint32_t sequence) const noexcept;
  void send(Response&& response) noexcept;
  bool begin_stream(const StreamHead& head) noexcept;
  [[nodiscard]] WriteState write(std::string_view bytes) noexcept;
  void end_stream() noexcept;
  void watch(GoneListener& listener) noexcept;
  void unwatch() noexcept { gone_listener_ = nullptr; }

 private:
  // The request that is being read.
  struct Incoming {
    explicit Incoming(const http::ParserLimits& limits) : parser(limits) {}
    http::RequestParser parser;
    http::RequestHead head;
    std::string body;
  };
  // What libuv writes where the kernel did not take all at once.
  struct Sending {
    uv_write_t request;
    std::string bytes;
    std::string tail;  // of tail_owner_
  };
  enum class State : uint8_t { handshake, idle, head, body, handling, streaming, lingering, closing };

  Connection(HttpServer& server, const SocketAddress& peer) noexcept;
  ~Connection() = default;
  Responder responder() noexcept;
  static void on_closed(uv_handle_t* handle) noexcept;

  // Input: connection.cpp.
  static void on_read_buffer(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) noexcept;
  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept;
  void on_bytes(std::string_view bytes) noexcept;
  void on_end_of_input() noexcept;
  void set_reading(bool on) noexcept;
  // More of the input may be parsed now: no answer is awaited, and those given have nearly left.
  [[nodiscard]] bool can_parse() const noexcept;
  // Takes from `input` what can be parsed now.
  void parse(std::string_view& input) noexcept;
  void parse_waiting() noexcept;
  void on_head(bool more_waits) noexcept;
  void append_continue() noexcept;
  void on_body_piece(std::string_view piece) noexcept;
  // Tells the server what the body takes now.
  void count_incoming(size_t bytes) noexcept;
  void dispatch() noexcept;
  // Answers with a problem and ends the connection.
  void refuse(int status, Code code, const char* detail) noexcept;
  [[nodiscard]] bool has_unread_input() const noexcept;

  // TLS: connection_tls.cpp.
  void on_wire(std::string_view wire) noexcept;
  void on_end_of_wire() noexcept;
  void on_tls_fault(const Error& error) noexcept;
  // Tells the client that this is the end and not a cut, where it is.
  void say_goodbye() noexcept;
  void write_farewell(const std::string& bytes) noexcept;
  // Turns out_ into the records of out_ and of a part of tail_. Only flush_sealed() sees it like that.
  [[nodiscard]] bool seal() noexcept;
  void flush_sealed() noexcept;

  // Output: connection_output.cpp.
  void append_head(int status, std::string_view content_type, const HeaderList& headers, http::Framing framing,
                   uint64_t content_length) noexcept;
  void answer(Response&& response) noexcept;
  // The server has room for `bytes` more of this connection.
  [[nodiscard]] bool may_hold(size_t bytes) const noexcept;
  // Tells the server how much is held now. After whatever changes that.
  void count_unsent() noexcept;
  void append_stream_piece() noexcept;
  void finish_exchange() noexcept;
  void flush() noexcept;
  void begin_write(size_t written) noexcept;
  static void on_written(uv_write_t* request, int status) noexcept;
  void on_turn_end() noexcept override { settle(); }
  // Sends what is there, goes on with input that waited, and closes what has come to its end.
  void settle() noexcept;
  void begin_linger() noexcept;
  void release_memory() noexcept;
  // Bytes that the kernel has not taken.
  [[nodiscard]] size_t waiting_bytes() const noexcept;
  [[nodiscard]] bool is_output_empty() const noexcept;

  // Time: connection.cpp.
  void set_deadline(uint64_t timeout_ms) noexcept;
  void set_deadline_at(uint64_t time_ms) noexcept;
  // The deadline of the start holds until the first byte of the first request.
  [[nodiscard]] bool is_fresh() const noexcept {
    return sequence_ == 0 && (state_ == State::handshake || state_ == State::idle);
  }
  void clear_deadline() noexcept { deadline_ms_ = UINT64_MAX; }
  // From here on the body's rate is measured.
  void begin_body_rate() noexcept;
  [[nodiscard]] uint64_t body_deadline_ms() const noexcept;
  // The deadline that goes with the state.
  void set_state_deadline() noexcept;
  void on_timer() noexcept override;
  void on_deadline() noexcept;

  uv_stream_t* stream() noexcept { return reinterpret_cast<uv_stream_t*>(&tcp_); }
  [[nodiscard]] const uv_stream_t* stream() const noexcept { return reinterpret_cast<const uv_stream_t*>(&tcp_); }

  HttpServer& server_;
  uv_tcp_t tcp_;
  const SocketAddress peer_;
  SlotName name_;
  GoneListener* gone_listener_ = nullptr;

  std::unique_ptr<TlsStream> tls_;      // with TLS, from the first byte on
  std::unique_ptr<Incoming> incoming_;  // from its first byte until it is whole
  // Bytes read while an answer was awaited: the next requests. Those before `waiting_at_` are parsed.
  std::string waiting_;
  size_t waiting_at_ = 0;

  std::string out_;        // not yet given to libuv
  std::string_view tail_;  // goes out after out_: a large body, in tail_owner_ or static
  std::string tail_owner_;
  std::string piece_;                 // of a stream, since the last flush: the next chunk
  std::unique_ptr<Sending> sending_;  // a write is in flight

  // The timer is armed for this time or earlier, and arms itself again: moving a deadline on costs a store.
  uint64_t deadline_ms_ = UINT64_MAX;
  uint64_t armed_ms_ = UINT64_MAX;
  uint64_t body_since_ms_ = 0;   // see begin_body_rate()
  size_t body_since_bytes_ = 0;  // what there was of the body then
  size_t stalled_bytes_ = 0;     // libuv's queue when the write deadline was set
  size_t lingered_bytes_ = 0;    // thrown away
  size_t unsent_bytes_ = 0;      // this connection's part of the server's
  size_t incoming_bytes_ = 0;    // the same, of the body

  uint32_t sequence_ = 0;  // of the current or last request
  State state_ = State::idle;
  Code reason_ = Code::closed;
  bool reading_ = false;
  bool input_ended_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;  // the request is HEAD
  bool chunked_ = false;    // the current stream is
  bool told_slow_ = false;
  bool encrypted_ = false;  // what comes off the wire is
  uint8_t minor_version_ = 1;
};

}  // namespace bobbin::net
