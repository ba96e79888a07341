#include "src/net/problem.h"

#include "proto_http/response_writer.h"
#include "src/base/json.h"

namespace bobbin::net {

Response make_problem(int status, std::string_view code, std::string_view detail) {
  Response response{.status = static_cast<uint16_t>(status), .content_type = "application/problem+json"};
  json::Object problem(response.body);
  problem.field("type", "about:blank");
  problem.field("title", http::status_reason(status));
  problem.number("status", status);
  problem.field("detail", detail);
  problem.field("code", code);
  problem.close();
  return response;
}

}  // namespace bobbin::net
