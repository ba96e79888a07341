// The web page: files that are part of the program.

#include "src/api/handlers.h"
#include "src/api/security_headers.h"
#include "web/assets.h"

namespace bobbin::api {
Task<Result<Answer>> get_asset(Services&, Exchange& exchange) {
  const std::string_view path = exchange.request.head.path();
  for (const web::Asset& asset : web::assets()) {
    if (asset.path != path) continue;
    net::Response response{.status = 200, .content_type = asset.content_type, .static_body = asset.bytes};
    const std::optional<std::string_view> known = exchange.request.head.find_header("If-None-Match");
    if (known && *known == asset.etag) response = {.status = 304};
    response.headers.emplace_back("ETag", asset.etag);
    response.headers.emplace_back("Cache-Control", "no-cache");
    append_page_headers(response.headers);
    co_return response;
  }
  co_return fail(Code::not_found, 0, "no such page");
}

}  // namespace bobbin::api
