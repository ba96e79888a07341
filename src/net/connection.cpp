#include "src/net/connection.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "proto_http/response_writer.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/net/http_server.h"
#include "src/net/problem.h"

namespace bobbin::net {
namespace {

// Input that waits for its turn. Past it the kernel's buffer fills, and the client has to wait.
constexpr size_t kWaitingBytesMax = 4 * 1024;
// What is read at once, but for a body: requests behind the one that is answered have to be kept. With the limit above
// 12 KiB at the most, also for a client that sends thousands of requests and takes no answer.
constexpr size_t kReadBytesMax = 8 * 1024;
// Memory for a body is taken as it comes, not as it is announced.
constexpr size_t kBodyReserveMax = 64 * 1024;

}  // namespace

Connection::Connection(HttpServer& server, const SocketAddress& peer) noexcept : server_(server), peer_(peer) {
  BOBBIN_ASSERT(uv_tcp_init(server_.loop_.uv(), &tcp_) == 0);
  tcp_.data = this;
  name_ = server_.connections_.insert(*this);
}

void Connection::start(HttpServer& server, int fd, const SocketAddress& peer) noexcept {
  auto* connection = new Connection(server, peer);
  if (uv_tcp_open(&connection->tcp_, fd) != 0) {
    ::close(fd);
    connection->close(Code::io);
    return;
  }
  // Tokens are small and must not wait for an acknowledgement.
  uv_tcp_nodelay(&connection->tcp_, 1);
  if (int bytes = server.options_.send_buffer_bytes; bytes > 0)
    uv_send_buffer_size(reinterpret_cast<uv_handle_t*>(&connection->tcp_), &bytes);
  if (server.options_.tls != nullptr) {
    connection->encrypted_ = true;
    connection->state_ = State::handshake;
  }
  connection->set_deadline(server.options_.header_timeout_ms);
  connection->set_reading(true);
}

void Connection::close(Code reason) noexcept {
  if (state_ == State::closing) return;
  const bool by_client = reason == Code::closed || reason == Code::timeout || reason == Code::overloaded;
  if (state_ == State::streaming && by_client) metrics::add(metrics::Counter::streams_broken);
  if (tls_ != nullptr) say_goodbye();
  state_ = State::closing;
  reason_ = reason;
  disarm();
  cancel_turn_end();
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp_), on_closed);
}

void Connection::on_closed(uv_handle_t* handle) noexcept {
  auto* self = static_cast<Connection*>(handle->data);
  if (GoneListener* listener = self->gone_listener_; listener != nullptr) {
    self->gone_listener_ = nullptr;
    listener->connection_ = nullptr;
    listener->on_gone();
  }
  HttpServer& server = self->server_;
  const SlotName name = self->name_;
  const SocketAddress peer = self->peer_;
  const Code reason = self->reason_;
  server.unsent_bytes_ -= self->unsent_bytes_;
  server.incoming_bytes_ -= self->incoming_bytes_;
  delete self;  // the only delete of a Connection
  server.on_connection_freed(name, peer, reason);
}

void Connection::begin_drain() noexcept {
  // settle() closes it when there is nothing left to do.
  if (state_ == State::idle || state_ == State::handshake) server_.loop_.at_turn_end(*this);
}

bool Connection::is_open(uint32_t sequence) const noexcept {
  return sequence == sequence_ && (state_ == State::handling || state_ == State::streaming);
}

// --- input

void Connection::set_reading(bool on) noexcept {
  if (on == reading_ || input_ended_ || state_ == State::closing) return;
  reading_ = on;
  if (on) {
    if (uv_read_start(stream(), on_read_buffer, on_read) != 0) close(Code::closed);
  } else {
    uv_read_stop(stream());
  }
}

void Connection::on_read_buffer(uv_handle_t* handle, size_t, uv_buf_t* buffer) noexcept {
  const auto* self = static_cast<Connection*>(handle->data);
  auto& shared = *self->server_.read_buffer_;
  const bool is_kept = self->state_ != State::body && self->state_ != State::lingering;
  *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(is_kept ? kReadBytesMax : shared.size()));
}

void Connection::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept {
  auto* self = static_cast<Connection*>(stream->data);
  if (count > 0) {
    const std::string_view bytes(buffer->base, static_cast<size_t>(count));
    self->encrypted_ && self->state_ != State::lingering ? self->on_wire(bytes) : self->on_bytes(bytes);
  } else if (count == UV_EOF) {
    self->encrypted_ ? self->on_end_of_wire() : self->on_end_of_input();
  } else if (count < 0) {
    self->close(Code::closed);
  }
}

void Connection::on_bytes(std::string_view bytes) noexcept {
  if (state_ == State::lingering) {
    lingered_bytes_ += bytes.size();
    if (lingered_bytes_ > server_.options_.linger_bytes_max) close(reason_);
    return;
  }
  if (waiting_.empty()) parse(bytes);
  if (state_ == State::lingering || state_ == State::closing) return;
  if (!bytes.empty()) {
    waiting_.append(bytes);
    if (waiting_.size() - waiting_at_ >= kWaitingBytesMax) set_reading(false);
  }
  if (server_.draining_) server_.loop_.at_turn_end(*this);
}

void Connection::on_end_of_input() noexcept {
  input_ended_ = true;
  reading_ = false;
  // A client may have closed its sending side only, and waits for the answer; but a reader of a stream stays
  // connected, so its end of input is its end.
  if (state_ == State::streaming) {
    close(Code::closed);
  } else {
    server_.loop_.at_turn_end(*this);
  }
}

bool Connection::can_parse() const noexcept {
  const bool awaits_input = state_ == State::idle || state_ == State::head || state_ == State::body;
  return awaits_input && sending_ == nullptr && tail_.empty() && out_.size() < server_.options_.egress_soft_bytes;
}

void Connection::parse(std::string_view& input) noexcept {
  while (can_parse()) {
    if (incoming_ == nullptr) {
      if (input.empty()) return;
      incoming_ = std::make_unique<Incoming>(server_.parser_limits_);
    }
    http::RequestParser& parser = incoming_->parser;
    switch (parser.next(input)) {
      case http::Event::head: on_head(!input.empty()); break;
      case http::Event::body: on_body_piece(parser.body_piece()); break;
      case http::Event::complete: dispatch(); break;
      case http::Event::error: {
        const http::ParserError& error = parser.error();
        refuse(error.status, error.code, error.detail);
        break;
      }
      case http::Event::need_more:
        if (state_ == State::idle && !parser.at_boundary()) {
          state_ = State::head;
          set_state_deadline();
        } else if (state_ == State::body) {
          set_state_deadline();
        }
        return;
    }
  }
}

void Connection::parse_waiting() noexcept {
  std::string_view input = std::string_view(waiting_).substr(waiting_at_);
  parse(input);
  waiting_at_ = waiting_.size() - input.size();
  if (!input.empty() && state_ != State::lingering) return;
  waiting_.clear();
  waiting_at_ = 0;
  set_reading(true);
}

void Connection::on_head(bool more_waits) noexcept {
  BOBBIN_ASSERT(state_ == State::idle || state_ == State::head);
  state_ = State::body;
  incoming_->head = incoming_->parser.take_head();
  const http::RequestHead& head = incoming_->head;
  head_only_ = head.method() == http::Method::head;
  keep_alive_ = head.keep_alive();
  minor_version_ = static_cast<uint8_t>(head.minor_version());
  begin_body_rate();
  if (const auto expectation = head.find_header("expect");
      expectation && minor_version_ >= 1 && !http::equals_ignoring_case(*expectation, "100-continue"))
    return refuse(417, Code::invalid, "only the expectation 100-continue is known");
  if (head.framing() != http::Framing::length) {
    if (head.expect_continue() && !more_waits) append_continue();
    return;
  }
  if (head.content_length() > server_.options_.body_bytes_max)
    return refuse(413, Code::too_large, "the request body is too large");
  const size_t announced = static_cast<size_t>(head.content_length());
  if (announced > 0)
    incoming_->body.reserve((announced < kBodyReserveMax ? announced : kBodyReserveMax) + kBodyPaddingBytes);
  if (head.expect_continue() && !more_waits) append_continue();
}

void Connection::append_continue() noexcept {
  http::append_continue(out_);
  count_unsent();
  server_.loop_.at_turn_end(*this);
}

void Connection::on_body_piece(std::string_view piece) noexcept {
  BOBBIN_ASSERT(state_ == State::body);
  std::string& body = incoming_->body;
  if (body.size() + piece.size() > server_.options_.body_bytes_max)
    return refuse(413, Code::too_large, "the request body is too large");
  body.append(piece);
  count_incoming(body.capacity());
  if (server_.incoming_bytes_ > server_.options_.incoming_bytes_max &&
      body.size() > server_.options_.incoming_bytes_always_allowed) {
    refuse(503, Code::overloaded, "too much is being sent to this server: try again in a moment");
  }
}

void Connection::count_incoming(size_t bytes) noexcept {
  server_.incoming_bytes_ += bytes;
  server_.incoming_bytes_ -= incoming_bytes_;
  incoming_bytes_ = bytes;
}

void Connection::dispatch() noexcept {
  BOBBIN_ASSERT(state_ == State::body);
  state_ = State::handling;
  clear_deadline();
  ++sequence_;
  std::string& body = incoming_->body;
  if (!body.empty()) body.reserve(body.size() + kBodyPaddingBytes);
  count_incoming(0);
  Request request{std::move(incoming_->head), std::move(body), peer_, tls_ != nullptr};
  incoming_.reset();
  server_.handler_.on_request(std::move(request), responder());
}

Responder Connection::responder() noexcept { return {server_, name_.slot, name_.generation, sequence_}; }

void Connection::refuse(int status, Code code, const char* detail) noexcept {
  BOBBIN_ASSERT(state_ == State::idle || state_ == State::head || state_ == State::body);
  log::info("request refused", {{"peer", peer_.to_string()}, {"status", status}, {"detail", detail}});
  // The body of a request that was judged by its head need not be what it says; nor what comes after an error.
  keep_alive_ = false;
  Response problem = make_problem(status, code_name(code), detail);
  server_.handler_.append_common_headers(state_ == State::body ? &incoming_->head : nullptr, problem.headers);
  answer(std::move(problem));
  reason_ = code;
  if (incoming_ != nullptr) incoming_->body = std::string();
  count_incoming(0);
}

bool Connection::has_unread_input() const noexcept {
  uv_os_fd_t fd = -1;
  int bytes = 0;
  return uv_fileno(reinterpret_cast<const uv_handle_t*>(&tcp_), &fd) == 0 && ::ioctl(fd, FIONREAD, &bytes) == 0 &&
         bytes > 0;
}

// --- time

void Connection::set_deadline(uint64_t timeout_ms) noexcept { set_deadline_at(server_.loop_.now_ms() + timeout_ms); }

void Connection::set_deadline_at(uint64_t time_ms) noexcept {
  deadline_ms_ = time_ms;
  if (deadline_ms_ >= armed_ms_) return;
  armed_ms_ = deadline_ms_;
  arm(server_.loop_.timers(), armed_ms_);
}

void Connection::shorten_deadline() noexcept {
  if (deadline_ms_ == UINT64_MAX || (sending_ == nullptr && state_ != State::idle)) return;
  const uint32_t timeout_ms = sending_ != nullptr ? server_.write_stall_timeout_ms() : server_.idle_timeout_ms();
  set_deadline_at(std::min(deadline_ms_, server_.loop_.now_ms() + timeout_ms));
}

void Connection::begin_body_rate() noexcept {
  body_since_ms_ = server_.loop_.now_ms();
  body_since_bytes_ = incoming_->body.size();
}

uint64_t Connection::body_deadline_ms() const noexcept {
  const HttpServer::Options& options = server_.options_;
  // Until when the bytes that came keep up the least rate; and the next byte must come in time.
  const uint64_t bytes = incoming_->body.size() - body_since_bytes_;
  const uint64_t by_rate_ms = bytes * 1000 / options.body_bytes_per_second_min;
  return std::min(server_.loop_.now_ms() + options.body_idle_timeout_ms,
                  body_since_ms_ + std::max<uint64_t>(options.body_idle_timeout_ms, by_rate_ms));
}

void Connection::set_state_deadline() noexcept {
  const HttpServer::Options& options = server_.options_;
  switch (state_) {
    case State::handshake: return;  // see is_fresh()
    case State::idle: return set_deadline(server_.idle_timeout_ms());
    case State::head: return set_deadline(options.header_timeout_ms);
    case State::body: return set_deadline_at(body_deadline_ms());
    case State::lingering: return set_deadline(options.linger_timeout_ms);
    case State::handling:
    case State::streaming:
    case State::closing: return clear_deadline();
  }
}

void Connection::on_timer() noexcept {
  armed_ms_ = UINT64_MAX;
  if (deadline_ms_ == UINT64_MAX) return;
  if (server_.loop_.now_ms() < deadline_ms_) {
    armed_ms_ = deadline_ms_;
    return arm(server_.loop_.timers(), armed_ms_);
  }
  clear_deadline();
  on_deadline();
}

void Connection::on_deadline() noexcept {
  if (is_fresh()) return close(Code::timeout);
  if (sending_ != nullptr) {
    const size_t queued_bytes = uv_stream_get_write_queue_size(stream());
    if (queued_bytes >= stalled_bytes_) return close(Code::timeout);
    stalled_bytes_ = queued_bytes;
    return set_deadline(server_.write_stall_timeout_ms());
  }
  switch (state_) {
    case State::handshake:
    case State::idle: return close(Code::timeout);
    case State::head: return refuse(408, Code::request_timeout, "the request's head did not arrive in time");
    case State::body: return refuse(408, Code::request_timeout, "the request's body did not arrive in time");
    case State::lingering: return close(reason_);
    case State::handling:
    case State::streaming:
    case State::closing: return;
  }
}

}  // namespace bobbin::net
