#pragma once

#include <cstdint>
#include <source_location>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace bobbin {

// Every way an operation can fail. One switch (src/api/problem.cpp) maps these to HTTP; clients see
// code_name(), logs see the whole Error.
enum class Code : uint8_t {
  // The caller's fault: nothing has changed, a retry of the same request fails the same way.
  malformed,             // 400: JSON, UTF-8, cursor or framing
  unauthorized,          // 401
  forbidden,             // 403
  not_found,             // 404
  method_not_allowed,    // 405
  request_timeout,       // 408
  busy,                  // 409: a run is active and the request said `reject`
  gone,                  // 410
  length_required,       // 411
  too_large,             // 413
  uri_too_long,          // 414
  unsupported_media,     // 415
  invalid,               // 422: well-formed but not allowed
  idempotency_mismatch,  // 422: the same key with another request
  queue_full,            // 429
  rate_limited,          // 429: too much in too little time; `number` may be the seconds to wait
  too_many_runs,         // 429: the user has as many under way as allowed
  header_too_large,      // 431
  not_implemented,       // 501: unknown transfer coding
  // The server's state: a retry may help.
  overloaded,    // 503
  draining,      // 503
  storage_full,  // 507
  // The model's server.
  upstream_unavailable,
  upstream_rejected,
  upstream_timeout,
  // Inside the process; a client sees at most `internal`.
  io,           // the operating system refused; `number` is errno or a library's code
  corrupt,      // stored bytes fail their checksum or have an unknown version
  timeout,      // a deadline of ours passed
  closed,       // the peer ended the connection
  cancelled,    // asked for by CancelSource::request
  would_block,  // not in memory: ask again where blocking is allowed
  internal,
};

// The stable word for `code`, as in problem+json `code`. Never null.
const char* code_name(Code code) noexcept;

// Why an operation failed. Small, trivially copyable, never allocates.
struct Error {
  Code code;
  int32_t number;      // errno, uv error or HTTP status behind it; 0 when there is none
  const char* detail;  // a string literal, fit for the client's eyes
  const char* file;    // where it was made: for logs only
  uint32_t line;

  constexpr explicit Error(Code code_in, int32_t number_in = 0, const char* detail_in = "",
                           std::source_location where = std::source_location::current()) noexcept
      : code(code_in), number(number_in), detail(detail_in), file(where.file_name()), line(where.line()) {}
};
static_assert(std::is_trivially_copyable_v<Error>);

// A value or an Error. Becomes std::expected by changing this alias.
template <class T>
using Result = tl::expected<T, Error>;

// Makes the failed side of any Result: `return fail(Code::io, errno, "open");`
[[nodiscard]] constexpr tl::unexpected<Error> fail(
    Code code, int32_t number = 0, const char* detail = "",
    std::source_location where = std::source_location::current()) noexcept {
  return tl::unexpected<Error>(Error(code, number, detail, where));
}
[[nodiscard]] constexpr tl::unexpected<Error> fail(const Error& error) noexcept { return tl::unexpected<Error>(error); }

}  // namespace bobbin

#define BOBBIN_CONCAT_(a, b) a##b
#define BOBBIN_CONCAT(a, b) BOBBIN_CONCAT_(a, b)

// TRY(expr): leaves the function with expr's Error, or goes on. TRY_ASSIGN also names the value.
// The CO_ forms are for coroutines.
#define TRY(expr)                                                       \
  do {                                                                  \
    if (auto try_result = (expr); !try_result.has_value()) [[unlikely]] \
      return ::bobbin::fail(try_result.error());                        \
  } while (false)
#define TRY_ASSIGN(declaration, expr) TRY_ASSIGN_(BOBBIN_CONCAT(try_value_, __LINE__), declaration, expr)
#define TRY_ASSIGN_(result, declaration, expr) \
  auto result = (expr);                        \
  if (!result.has_value()) [[unlikely]]        \
    return ::bobbin::fail(result.error());     \
  declaration = std::move(*result)
#define CO_TRY(expr)                                                    \
  do {                                                                  \
    if (auto try_result = (expr); !try_result.has_value()) [[unlikely]] \
      co_return ::bobbin::fail(try_result.error());                     \
  } while (false)
#define CO_TRY_ASSIGN(declaration, expr) CO_TRY_ASSIGN_(BOBBIN_CONCAT(try_value_, __LINE__), declaration, expr)
#define CO_TRY_ASSIGN_(result, declaration, expr) \
  auto result = (expr);                           \
  if (!result.has_value()) [[unlikely]]           \
    co_return ::bobbin::fail(result.error());     \
  declaration = std::move(*result)
