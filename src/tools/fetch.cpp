#include "src/tools/fetch.h"

#include "proto_http/headers.h"

namespace bobbin::tools {

std::string_view Fetched::media_type() const noexcept {
  const std::string_view type = head.find_header("Content-Type").value_or("");
  return http::trim_white_space(type.substr(0, type.find(';')));
}

Task<Result<Fetched>> fetch(net::HttpClient& client, net::HttpCallOptions request, size_t body_bytes_max,
                            CancelScope& scope) {
  net::HttpCall call(client, std::move(request), scope);
  Fetched fetched;
  CO_TRY_ASSIGN(fetched.head, co_await call.head());
  for (;;) {
    CO_TRY_ASSIGN(const std::string_view piece, co_await call.read());
    if (piece.empty()) break;
    const size_t room = body_bytes_max - fetched.body.size();
    fetched.body.append(piece.substr(0, room));
    if (piece.size() > room) {
      fetched.is_cut = true;
      break;
    }
  }
  co_return fetched;
}

std::string explain_network(const Error& error) {
  switch (error.code) {
    case Code::forbidden:
      return "could not be called: its address is private or special, which this tool may not reach";
    case Code::timeout: return "did not answer in time";
    case Code::cancelled: return "was not waited for any longer";
    case Code::malformed:
    case Code::too_large:
    case Code::not_implemented: return "gave an answer that is not understood";
    case Code::closed: return "hung up before its answer was whole";
    default: return std::string("could not be reached: ") + error.detail;
  }
}

}  // namespace bobbin::tools
