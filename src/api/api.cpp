#include "src/api/api.h"

#include <algorithm>

#include "proto_http/url.h"
#include "src/api/authenticate.h"
#include "src/api/cors.h"
#include "src/api/problem.h"
#include "src/api/rate_check.h"
#include "src/api/router.h"
#include "src/api/security_headers.h"
#include "src/base/log.h"
#include "src/loop/spawn.h"

namespace bobbin::api {
namespace {

// A JSON body says so, or says nothing.
Result<void> check_content_type(const net::Request& request) {
  if (request.body.empty()) return {};
  const std::optional<std::string_view> type = request.head.find_header("Content-Type");
  if (!type) return {};
  const std::string_view essence = type->substr(0, type->find_first_of("; \t"));
  if (http::equals_ignoring_case(essence, "application/json")) return {};
  return fail(Code::unsupported_media, 0, "the body must be application/json");
}

// The answer of the route's handler, or why there is none. `match` stays with the caller: problems need `allow`.
Task<Result<Answer>> dispatch(Services& services, Exchange& exchange, RouteMatch& match) {
  const http::RequestHead& head = exchange.request.head;
  CO_TRY(check_address_rate(services, exchange));
  CO_TRY_ASSIGN(const std::vector<std::string> segments,
                head.path() == "*" ? Result<std::vector<std::string>>{} : http::split_path(head.path()));
  match = match_route(head.method(), segments);
  if (head.method() == http::Method::options && (!match.allow.empty() || head.path() == "*"))
    co_return options_response(match.allow, head);
  if (match.route == nullptr) {
    if (match.allow.empty()) co_return fail(Code::not_found, 0, "no such path");
    co_return fail(Code::method_not_allowed, 0, "this path does not know that method");
  }
  exchange.captured = std::move(match.captured);
  if (match.route->access != Access::open) {
    CO_TRY_ASSIGN(exchange.identity, co_await authenticate(services, exchange, match.route->pattern));
    CO_TRY(check_identity_rate(services, exchange));
    CO_TRY(check_access(match.route->access, exchange.identity));
  }
  CO_TRY(check_content_type(exchange.request));
  co_return co_await match.route->handler(services, exchange);
}

void log_failure(const Exchange& exchange, const Error& error) {
  log::error("request failed", {{"path", exchange.request.head.path()},
                                {"user_id", exchange.identity.user},
                                {"error", code_name(error.code)},
                                {"detail", error.detail},
                                {"number", error.number},
                                {"at", error.file},
                                {"line", error.line}});
}

}  // namespace

void Api::on_request(net::Request&& request, net::Responder responder) noexcept {
  spawn(work_, serve(std::move(request), responder));
}

void Api::append_common_headers(const http::RequestHead* head, net::HeaderList& headers) noexcept {
  if (head != nullptr) append_cors_headers(services_.options.cors_origins, *head, headers);
}

void Api::on_connection_closed(const net::SocketAddress& peer, Code reason) noexcept {
  if (reason != Code::closed) log::debug("connection closed", {{"peer", peer.host()}, {"reason", code_name(reason)}});
}

Task<void> Api::serve(net::Request request, net::Responder responder) {
  const int64_t begun_us = steady_now_us();
  Exchange exchange{.request = std::move(request), .responder = responder};
  {
    const net::Request& from = exchange.request;
    ClientAddress client = find_client(services_.options.trusted_proxies, from.peer, from.over_tls, from.head);
    exchange.client = std::move(client.host);
    exchange.is_https = client.is_https;
  }
  append_common_headers(&exchange.request.head, exchange.common_headers);
  if (exchange.is_https && services_.options.insist_on_https && may_insist_on_https(exchange.request.head.host()))
    append_hsts(exchange.common_headers);
  RouteMatch match;
  const uint64_t version = services_.revocations.version();
  Result<Answer> answer = co_await dispatch(services_, exchange, match);
  uint16_t status = 200;
  if (!answer || *answer) {
    net::Response response = answer ? std::move(**answer) : problem(answer.error());
    status = response.status;
    if (status == 405) response.headers.emplace_back("Allow", match.allow);
    const bool cached = std::any_of(response.headers.begin(), response.headers.end(),
                                    [](const auto& header) { return header.first == "Cache-Control"; });
    if (!cached) response.headers.emplace_back("Cache-Control", "no-store");
    for (auto& header : exchange.common_headers) response.headers.push_back(std::move(header));
    exchange.responder.send(std::move(response));
  }
  if (answer && !*answer) open_streams_.add(exchange.identity, version, exchange.responder);
  if (!answer && status == 500) log_failure(exchange, answer.error());
  log::info("request", {{"method", exchange.request.head.method_text()},
                        {"path", exchange.request.head.path()},
                        {"status", status},
                        {"user_id", exchange.identity.user},
                        {"client", exchange.client},
                        {"ms", (steady_now_us() - begun_us) / 1000}});
}

}  // namespace bobbin::api
