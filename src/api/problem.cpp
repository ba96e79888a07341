#include "src/api/problem.h"

#include "proto_http/response_writer.h"
#include "src/net/problem.h"

namespace bobbin::api {
namespace {

// What went wrong inside is for the log alone.
bool is_for_clients(Code code) noexcept { return status_of(code) != 500; }

}  // namespace

uint16_t status_of(Code code) noexcept {
  switch (code) {
    case Code::malformed: return 400;
    case Code::unauthorized: return 401;
    case Code::forbidden: return 403;
    case Code::not_found: return 404;
    case Code::method_not_allowed: return 405;
    case Code::request_timeout: return 408;
    case Code::busy: return 409;
    case Code::gone: return 410;
    case Code::length_required: return 411;
    case Code::too_large: return 413;
    case Code::uri_too_long: return 414;
    case Code::unsupported_media: return 415;
    case Code::invalid:
    case Code::idempotency_mismatch: return 422;
    case Code::queue_full:
    case Code::rate_limited:
    case Code::too_many_runs: return 429;
    case Code::header_too_large: return 431;
    case Code::not_implemented: return 501;
    case Code::overloaded:
    case Code::draining:
    case Code::upstream_unavailable:
    case Code::upstream_rejected:
    case Code::upstream_timeout: return 503;
    case Code::storage_full: return 507;
    case Code::io:
    case Code::corrupt:
    case Code::timeout:
    case Code::closed:
    case Code::cancelled:
    case Code::would_block:
    case Code::internal: return 500;
  }
  return 500;
}

net::Response problem(const Error& error) {
  const uint16_t status = status_of(error.code);
  const bool shown = is_for_clients(error.code);
  const char* detail = shown && error.detail[0] != '\0' ? error.detail : http::status_reason(status);
  net::Response response = net::make_problem(status, code_name(shown ? error.code : Code::internal), detail);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 429 || status == 503) {
    const bool says_when = error.code == Code::rate_limited && error.number > 0;
    response.headers.emplace_back("Retry-After", says_when ? std::to_string(error.number) : "1");
  }
  return response;
}

}  // namespace bobbin::api
