#include "src/base/result.h"

namespace bobbin {

const char* code_name(Code code) noexcept {
  switch (code) {
    case Code::malformed: return "malformed";
    case Code::unauthorized: return "unauthorized";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not_found";
    case Code::method_not_allowed: return "method_not_allowed";
    case Code::request_timeout: return "request_timeout";
    case Code::busy: return "busy";
    case Code::gone: return "gone";
    case Code::length_required: return "length_required";
    case Code::too_large: return "too_large";
    case Code::uri_too_long: return "uri_too_long";
    case Code::unsupported_media: return "unsupported_media_type";
    case Code::invalid: return "invalid";
    case Code::idempotency_mismatch: return "idempotency_mismatch";
    case Code::queue_full: return "queue_full";
    case Code::rate_limited: return "rate_limited";
    case Code::too_many_runs: return "too_many_runs";
    case Code::header_too_large: return "header_too_large";
    case Code::not_implemented: return "not_implemented";
    case Code::overloaded: return "overloaded";
    case Code::draining: return "draining";
    case Code::storage_full: return "storage_full";
    case Code::upstream_unavailable: return "upstream_unavailable";
    case Code::upstream_rejected: return "upstream_rejected";
    case Code::upstream_timeout: return "upstream_timeout";
    case Code::io: return "io";
    case Code::corrupt: return "corrupt";
    case Code::timeout: return "timeout";
    case Code::closed: return "closed";
    case Code::cancelled: return "cancelled";
    case Code::would_block: return "would_block";
    case Code::internal: return "internal";
  }
  return "internal";
}

}  // namespace bobbin
