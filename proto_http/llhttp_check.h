#pragma once

#include <optional>
#include <string_view>

#include "proto_http/header_scan.h"
#include "proto_http/headers.h"
#include "proto_http/parser_types.h"

// The second opinion: llhttp, with no lenient flag, reads the head that the strict scan has passed. Where the two do
// not agree on every point that decides where a message ends, somebody else may disagree too: malformed.
namespace bobbin::http {

std::optional<ParserError> confirm_request(const HeaderBlock& headers, const RequestLine& line,
                                           const MessageRules& rules);
std::optional<ParserError> confirm_response(const HeaderBlock& headers, const StatusLine& line,
                                            const MessageRules& rules);

}  // namespace bobbin::http
