#include "src/net/tcp_socket.h"

namespace bobbin::net {

Result<TcpSocketPtr> make_tcp_socket(uv_loop_t* loop, Gate& gate, void* owner) {
  auto socket = std::make_unique<TcpSocket>();
  if (const int status = uv_tcp_init(loop, &socket->tcp); status != 0) return fail(network_error(status));
  socket->gate = &gate;
  socket->owner = owner;
  socket->tcp.data = socket.get();
  gate.enter();
  return TcpSocketPtr(socket.release());
}

void TcpSocketCloser::operator()(TcpSocket* socket) const noexcept {
  socket->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&socket->tcp), [](uv_handle_t* handle) {
    auto* closed = static_cast<TcpSocket*>(handle->data);
    Gate& gate = *closed->gate;
    delete closed;
    gate.leave();
  });
}

Error network_error(int uv_status) noexcept {
  const char* detail = "the network failed";
  switch (uv_status) {
    case UV_ECONNREFUSED: detail = "connection refused"; break;
    case UV_ECONNRESET: detail = "connection reset"; break;
    case UV_ETIMEDOUT: detail = "connection timed out"; break;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH: detail = "host or network unreachable"; break;
    case UV_EADDRNOTAVAIL: detail = "no local address or port is left"; break;
    case UV_EMFILE:
    case UV_ENFILE: detail = "too many open files"; break;
    default: break;
  }
  return Error(Code::io, uv_status, detail);
}

Error lookup_error(int uv_status) noexcept {
  const char* detail = "name lookup failed";
  if (uv_status == UV_EAI_NONAME || uv_status == UV_EAI_NODATA) detail = "host not found";
  if (uv_status == UV_EAI_AGAIN) detail = "no name server answers";
  return Error(Code::io, uv_status, detail);
}

}  // namespace bobbin::net
