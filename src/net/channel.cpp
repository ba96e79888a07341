#include "src/net/channel.h"

#include <vector>

#include "proto_http/request_writer.h"
#include "src/base/assert.h"

namespace bobbin::net {
namespace {

uv_stream_t* as_stream(TcpSocket& socket) noexcept { return reinterpret_cast<uv_stream_t*>(&socket.tcp); }

std::string authority(std::string_view host, uint16_t port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return (is_v6 ? '[' + std::string(host) + ']' : std::string(host)) + ':' + std::to_string(port);
}

}  // namespace

// One write that the kernel did not take at once; owns its bytes until libuv is done.
struct Channel::Write {
  uv_write_t request;
  std::string bytes;
};

Channel::Channel(ChannelContext& context, Route route, User& user)
    : context_(context), route_(std::move(route)), user_(&user) {}

Channel::~Channel() {
  if (state_ != State::open || tls_ == nullptr || writes_pending_ != 0) return;
  // A peer that still listens learns that this is the end and not a cut. Whether it fits the socket buffer is its luck.
  tls_->end();
  std::string goodbye = tls_->take_output();
  const uv_buf_t buffer = uv_buf_init(goodbye.data(), static_cast<unsigned>(goodbye.size()));
  uv_try_write(as_stream(*socket_), &buffer, 1);
}

Result<void> Channel::begin() {
  BOBBIN_ASSERT(state_ == State::created);
  if (route_.tls && context_.tls == nullptr) return fail(Code::invalid, 0, "https is not set up");
  state_ = State::dialing;
  Dialer::User& user = *this;
  dialer_ = std::make_unique<Dialer>(context_.loop, context_.gate, user);
  if (route_.proxy != nullptr) return dialer_->begin({route_.proxy->host, route_.proxy->port, route_.policy});
  return dialer_->begin({route_.host, route_.port, route_.policy});
}

void Channel::on_dial_failed(const Error& error) noexcept { end(Received::End::broken, error); }

void Channel::on_dialled(TcpSocketPtr socket) noexcept {
  dialer_.reset();
  socket_ = std::move(socket);
  socket_->owner = this;
  uv_tcp_nodelay(&socket_->tcp, 1);
  start_reading();
  if (!route_.tls) {
    open();
    return;
  }
  auto result = route_.proxy != nullptr ? begin_tunnel() : begin_tls();
  if (!result) end(Received::End::broken, result.error());
}

Result<void> Channel::begin_tunnel() {
  state_ = State::tunnelling;
  tunnel_ = std::make_unique<http::ResponseParser>(http::RequestKind::connect);
  const std::string target = authority(route_.host, route_.port);
  std::vector<http::HeaderField> headers;
  if (!route_.proxy->authorization.empty()) headers.push_back({"Proxy-Authorization", route_.proxy->authorization});
  std::string head;
  TRY(http::append_request_head(head, {.method = "CONNECT", .target = target, .host = target, .headers = headers}));
  write_wire(std::move(head));
  return {};
}

Result<void> Channel::begin_tls() {
  state_ = State::handshaking;
  TRY_ASSIGN(tls_, TlsStream::make_client(*context_.tls, route_.host));
  write_wire(tls_->take_output());
  return {};
}

void Channel::open() noexcept {
  state_ = State::open;
  user_->on_channel_open();
}

void Channel::end(Received::End how, const Error& error, std::string_view bytes) noexcept {
  state_ = State::ended;
  if (socket_ != nullptr) uv_read_stop(as_stream(*socket_));
  user_->on_received({.bytes = bytes, .end = how, .error = error});
}

void Channel::start_reading() noexcept {
  uv_read_start(
      as_stream(*socket_),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        std::string& shared = static_cast<Channel*>(static_cast<TcpSocket*>(handle->data)->owner)->context_.read_buffer;
        *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(shared.size()));
      },
      [](uv_stream_t* stream, ssize_t bytes_or_error, const uv_buf_t* buffer) {
        auto* self = static_cast<Channel*>(static_cast<TcpSocket*>(stream->data)->owner);
        if (bytes_or_error == 0) return;  // nothing there after all
        const size_t bytes = bytes_or_error > 0 ? static_cast<size_t>(bytes_or_error) : 0;
        self->on_read(bytes_or_error, {buffer->base, bytes});
      });
}

void Channel::on_read(ssize_t bytes_or_error, std::string_view wire) noexcept {
  if (bytes_or_error == UV_EOF) {
    on_end_of_file();
  } else if (bytes_or_error < 0) {
    end(Received::End::broken, network_error(static_cast<int>(bytes_or_error)));
  } else if (state_ == State::tunnelling) {
    on_tunnel_bytes(wire);
  } else if (tls_ != nullptr) {
    on_tls_bytes(wire);
  } else {
    user_->on_received({.bytes = wire});
  }
}

void Channel::on_end_of_file() noexcept {
  switch (state_) {
    case State::tunnelling: end(Received::End::broken, Error(Code::closed, 0, "proxy: closed the connection")); return;
    case State::handshaking:
      end(Received::End::broken, Error(Code::closed, 0, "TLS: closed during the handshake"));
      return;
    default: break;
  }
  // Anybody on the way can end a TCP stream; only the peer itself can say goodbye in TLS (RFC 8446 §6.1).
  if (tls_ != nullptr) {
    end(Received::End::broken, Error(Code::closed, 0, "TLS: the connection was cut"));
  } else {
    end(Received::End::orderly, Error(Code::closed));
  }
}

void Channel::on_tunnel_bytes(std::string_view bytes) noexcept {
  for (;;) {
    switch (tunnel_->next(bytes)) {
      case http::Event::need_more: return;
      case http::Event::head: {
        const int status = tunnel_->head().status();
        if (status >= 200 && status < 300) continue;
        end(Received::End::broken,
            Error(Code::io, status,
                  status == 407 ? "proxy: wants user and password" : "proxy: refused the connection"));
        return;
      }
      case http::Event::complete: {
        tunnel_.reset();
        // In TLS the client speaks first, so this can only be somebody who wants to be taken for the server.
        auto result = bytes.empty() ? begin_tls() : fail(Code::malformed, 0, "proxy: bytes before the tunnel is used");
        if (!result) end(Received::End::broken, result.error());
        return;
      }
      default: end(Received::End::broken, Error(Code::malformed, 0, "proxy: not an HTTP answer")); return;
    }
  }
}

void Channel::on_tls_bytes(std::string_view wire) noexcept {
  std::string& plain = context_.plain;
  plain.clear();
  const Result<void> result = tls_->receive(wire, plain);
  if (std::string answer = tls_->take_output(); !answer.empty()) write_wire(std::move(answer));
  if (!result) {
    end(Received::End::broken, result.error(), plain);
  } else if (state_ == State::handshaking) {
    if (!plain.empty() || tls_->is_ended_by_peer()) {
      end(Received::End::broken, Error(Code::malformed, 0, "TLS: the server speaks before it was asked"));
    } else if (tls_->is_open()) {
      open();
    }
  } else if (tls_->is_ended_by_peer()) {
    end(Received::End::orderly, Error(Code::closed), plain);
  } else if (!plain.empty()) {
    user_->on_received({.bytes = plain});
  }
}

void Channel::write(std::string bytes) noexcept {
  BOBBIN_ASSERT(state_ == State::open);
  if (tls_ == nullptr) {
    write_wire(std::move(bytes));
    return;
  }
  if (const auto result = tls_->send(bytes); !result) write_failed_ = true;
  write_wire(tls_->take_output());
}

void Channel::write_wire(std::string bytes) noexcept {
  if (bytes.empty() || write_failed_) return;
  if (writes_pending_ == 0) {
    const uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
    const int written = uv_try_write(as_stream(*socket_), &buffer, 1);
    if (written == static_cast<int>(bytes.size())) return;
    if (written < 0 && written != UV_EAGAIN) {
      // The peer may have answered before it hung up: what can be read tells the rest.
      write_failed_ = true;
      return;
    }
    if (written > 0) bytes.erase(0, static_cast<size_t>(written));
  }
  auto write = std::make_unique<Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  const uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int status = uv_write(&write->request, as_stream(*socket_), &buffer, 1, [](uv_write_t* request, int result) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    auto* self = static_cast<Channel*>(static_cast<TcpSocket*>(request->handle->data)->owner);
    if (self == nullptr) return;
    --self->writes_pending_;
    if (result != 0) self->write_failed_ = true;
  });
  if (status != 0) {
    write_failed_ = true;
    return;
  }
  ++writes_pending_;
  (void)write.release();  // the callback has it
}

void Channel::pause() noexcept {
  if (paused_ || state_ != State::open) return;
  paused_ = true;
  uv_read_stop(as_stream(*socket_));
}

void Channel::resume() noexcept {
  if (!paused_ || state_ != State::open) return;
  paused_ = false;
  start_reading();
}

}  // namespace bobbin::net
