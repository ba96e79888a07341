#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

// What goes wrong at a model's server, in our words for clients and in its own for the log.
namespace bobbin::upstream {

// An error excerpt has at most so many bytes.
inline constexpr size_t kExcerptBytesMax = 300;

// The failure that an HTTP status (or the numeric code of a reported error) stands for; `number` is the status.
// 408, 425, 429 and 5xx, which another try may cure: upstream_unavailable. 501 and all others: upstream_rejected.
[[nodiscard]] Error error_of_status(int32_t status) noexcept;

// The failure that a failed call of net::HttpClient stands for; `cancelled` stays itself. `number` is the network's.
[[nodiscard]] Error error_of_network(const Error& error) noexcept;

// The message in an error's body: of `{"error":{"message","type","code"}}`, `{"error":"…"}`, `{"detail":"…"}`,
// `{"message":"…"}`, else the beginning of the body itself. One line of printable UTF-8, kExcerptBytesMax bytes at
// most. `body` may be cut anywhere and may be anything.
[[nodiscard]] std::string error_excerpt(std::string_view body);

}  // namespace bobbin::upstream
