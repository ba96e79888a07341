#pragma once

#include "src/api/open_streams.h"
#include "src/api/services.h"
#include "src/loop/gate.h"
#include "src/net/http_server.h"

namespace bobbin::api {

// Takes requests from the server, finds their route and their owner, and answers. One for each worker, on its loop.
class Api final : public net::RequestHandler {
 public:
  // `services` outlives the Api.
  explicit Api(Services& services) : services_(services), open_streams_(services.loop, services.revocations) {}

  void on_request(net::Request&& request, net::Responder responder) noexcept override;
  void append_common_headers(const http::RequestHead* head, net::HeaderList& headers) noexcept override;
  void on_connection_closed(const net::SocketAddress& peer, Code reason) noexcept override;

  // Complete when no handler is at work. Call once, after the server has drained.
  Completion& close() noexcept { return work_.close(); }

 private:
  Task<void> serve(net::Request request, net::Responder responder);

  Services& services_;
  OpenStreams open_streams_;
  Gate work_;
};

}  // namespace bobbin::api
