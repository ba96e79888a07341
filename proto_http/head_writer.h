#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto_http/headers.h"

// What writing a request's head and an answer's head have in common.
namespace bobbin::http {

void append_decimal(std::string& out, uint64_t value);

// Appends `name: value CRLF`. A name that is no token or a value that is no field value is a bug (BOBBIN_ASSERT).
void append_field(std::string& out, const HeaderField& field);

// Content-Length, Transfer-Encoding or nothing.
void append_framing(std::string& out, Framing framing, uint64_t content_length);

// Whether the writers write this field themselves, so that no caller can give a message two framings:
// Content-Length, Transfer-Encoding, Connection, Date.
[[nodiscard]] bool is_reserved_field(std::string_view name) noexcept;

}  // namespace bobbin::http
