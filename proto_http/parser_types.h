#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/limits.h"
#include "src/base/result.h"

namespace bobbin::http {

// What a parser found at the front of its input.
enum class Event : uint8_t {
  need_more,  // the input is used up
  head,       // the head is judged and can be read or taken
  body,       // body_piece() is the next part of the body, never empty
  complete,   // the message has ended; the rest of the input is not part of it
  error,      // error() says why; the connection cannot go on
};

// Why a parser stopped.
struct ParserError {
  int status = 0;  // what to answer a client with; 0 in answers of a server, where there is nobody to tell
  Code code = Code::malformed;
  const char* detail = "";  // a literal, fit for the client's eyes
};

struct ParserLimits {
  // The first line with its CRLF. Past it: 414.
  size_t request_line_bytes_max = limits::kRequestLineBytesMax;
  // The first line, all fields and the blank line. Past it: 431.
  size_t header_block_bytes_max = limits::kHeaderBlockBytesMax;
  // Browsers behind proxies send about 30. Past it: 431.
  size_t headers_max = 100;
  // One chunk-size line with extensions, up to its CR. Nobody is known to use extensions. Past it: 400.
  size_t chunk_line_bytes_max = 256;
  // All extensions of one body, so that tiny chunks cannot carry a second body there. Past it: 400.
  size_t chunk_extension_bytes_max = 16 * 1024;
  // All trailer fields of one body; they are discarded. Past it: 431.
  size_t trailer_bytes_max = 4 * 1024;
};

}  // namespace bobbin::http
