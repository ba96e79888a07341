#pragma once

#include <uv.h>

#include <memory>

#include "src/base/result.h"
#include "src/loop/gate.h"

namespace bobbin::net {

// One TCP handle on the heap, which outlives its owner until libuv is done with it. The gate counts it until then.
struct TcpSocket {
  uv_tcp_t tcp;
  std::unique_ptr<uv_connect_t> connect;  // while it connects
  Gate* gate;
  void* owner;  // whom callbacks are for; null once closing, when nobody listens any more
};

struct TcpSocketCloser {
  // Closes the descriptor at once; the memory goes in libuv's close callback.
  void operator()(TcpSocket* socket) const noexcept;
};
using TcpSocketPtr = std::unique_ptr<TcpSocket, TcpSocketCloser>;

// A handle without a descriptor yet. Errors: io.
Result<TcpSocketPtr> make_tcp_socket(uv_loop_t* loop, Gate& gate, void* owner);

// The io Error for a failed uv_tcp_connect, read or write, with a literal for the usual ones.
[[nodiscard]] Error network_error(int uv_status) noexcept;
// The same for uv_getaddrinfo.
[[nodiscard]] Error lookup_error(int uv_status) noexcept;

}  // namespace bobbin::net
