#pragma once

#include <netinet/in.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/net/address.h"
#include "src/net/tcp_socket.h"

namespace bobbin::net {

// Makes one TCP connection to a named host: looks the name up, then tries its addresses in order, IPv6 and IPv4 in
// turn. The next one is tried when one fails, or beside it after kNextAddressMs (after RFC 8305); the first to connect
// wins.
class Dialer final : private Timer {
 public:
  class User {
   public:
    // Each is called at most once, one of the two; the dialer may be destroyed inside.
    virtual void on_dialled(TcpSocketPtr socket) noexcept = 0;
    // io, or forbidden when the policy refused every address.
    virtual void on_dial_failed(const Error& error) noexcept = 0;

   protected:
    ~User() = default;
  };

  struct Target {
    std::string host;  // without brackets
    uint16_t port;
    AddressPolicy policy;  // may be null
  };

  // `gate` counts sockets and lookups until libuv has let go of them.
  Dialer(Loop& loop, Gate& gate, User& user) : loop_(loop), gate_(gate), user_(user) {}
  // Gives up whatever is under way. A lookup that a thread is busy with ends on its own, unheard.
  ~Dialer();

  // Call once. When it fails, the user is not called.
  Result<void> begin(Target target);

  [[nodiscard]] bool is_looking_up() const noexcept { return lookup_ != nullptr; }

  static constexpr uint64_t kNextAddressMs = 250;
  // Names with more addresses exist, but not ones where the 17th is the first that works.
  static constexpr size_t kAddressesMax = 16;

 private:
  union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  struct Lookup;

  void on_timer() noexcept override;
  void on_looked_up(int status, const addrinfo* found) noexcept;
  void on_connected(TcpSocket* socket, int status) noexcept;
  void take_addresses(const addrinfo* found);
  Result<void> add_literal(const std::string& host);
  // Starts connecting to the next address that lets itself be tried; false when none is left.
  bool try_next() noexcept;
  Result<TcpSocketPtr> begin_connect(const Address& address);
  // Connects on, or reports the last failure when nothing is under way any more.
  void go_on() noexcept;

  Loop& loop_;
  Gate& gate_;
  User& user_;
  Target target_ = {};
  Lookup* lookup_ = nullptr;
  std::vector<Address> addresses_;
  size_t next_address_ = 0;
  std::vector<TcpSocketPtr> attempts_;
  std::optional<Error> last_error_;
};

}  // namespace bobbin::net
