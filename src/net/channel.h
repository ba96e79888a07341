#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto_http/response_parser.h"
#include "src/base/result.h"
#include "src/net/dialer.h"
#include "src/net/proxy.h"
#include "src/net/tls.h"

namespace bobbin::net {

// Where a channel leads. Equal routes may share a connection.
struct Route {
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 0;
  const Proxy* proxy = nullptr;    // of the client's rules, or null
  AddressPolicy policy = nullptr;  // a connection made without a policy must not serve a call that has one
  friend bool operator==(const Route&, const Route&) = default;
};

// What all channels of one loop share.
struct ChannelContext {
  Loop& loop;
  Gate& gate;
  const TlsContext* tls;    // may be null: no https
  std::string read_buffer;  // for one socket read at a time, so that no connection has its own
  std::string plain;        // what it decrypts to
};

// One socket read, or the end, or both.
struct Received {
  enum class End : uint8_t {
    none,     // more may come
    orderly,  // the peer has ended its side as it should
    broken,   // `error` says how
  };
  std::string_view bytes;  // valid during the call
  End end = End::none;
  Error error = Error(Code::closed);
};

// A stream of bytes to a host: name lookup, TCP, proxy tunnel and TLS, whichever the route needs.
class Channel final : private Dialer::User {
 public:
  class User {
   public:
    // Each may destroy the channel, or give it another user.
    virtual void on_channel_open() noexcept = 0;
    // Nothing follows once `received.end` is not none. Before on_channel_open: only a broken end.
    virtual void on_received(const Received& received) noexcept = 0;

   protected:
    ~User() = default;
  };

  // What setting up waits for; for the words of a timeout.
  enum class State : uint8_t { created, dialing, tunnelling, handshaking, open, ended };

  Channel(ChannelContext& context, Route route, User& user);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  // Closes the socket at once.
  ~Channel();

  // Starts setting up. Call once. When it fails, the user is not called.
  Result<void> begin();

  // Requires State::open. Failures of the network show as the end of what is received.
  void write(std::string bytes) noexcept;
  // Everything written has gone to the kernel.
  [[nodiscard]] bool is_write_done() const noexcept { return writes_pending_ == 0 && !write_failed_; }

  // The socket is not read while paused: the peer has to wait. An open channel reads at first.
  void pause() noexcept;
  void resume() noexcept;
  [[nodiscard]] bool is_paused() const noexcept { return paused_; }

  void set_user(User& user) noexcept { user_ = &user; }
  [[nodiscard]] const Route& route() const noexcept { return route_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool is_looking_up() const noexcept { return dialer_ != nullptr && dialer_->is_looking_up(); }

 private:
  struct Write;

  void on_dialled(TcpSocketPtr socket) noexcept override;
  void on_dial_failed(const Error& error) noexcept override;

  Result<void> begin_tunnel();
  Result<void> begin_tls();
  void on_read(ssize_t bytes_or_error, std::string_view wire) noexcept;
  void on_tunnel_bytes(std::string_view bytes) noexcept;
  void on_tls_bytes(std::string_view wire) noexcept;
  void on_end_of_file() noexcept;
  void open() noexcept;
  void end(Received::End how, const Error& error, std::string_view bytes = {}) noexcept;
  void write_wire(std::string bytes) noexcept;
  void start_reading() noexcept;

  ChannelContext& context_;
  const Route route_;
  User* user_;
  std::unique_ptr<Dialer> dialer_;  // until there is a socket
  TcpSocketPtr socket_;
  std::unique_ptr<http::ResponseParser> tunnel_;  // while tunnelling
  std::unique_ptr<TlsStream> tls_;
  uint32_t writes_pending_ = 0;
  State state_ = State::created;
  bool write_failed_ = false;
  bool paused_ = false;
};

}  // namespace bobbin::net
