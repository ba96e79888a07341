#pragma once

#include <cstddef>
#include <string>

#include "proto_http/request_parser.h"
#include "src/net/listener.h"

namespace bobbin::net {

// JSON parsers read a little past the end: so much spare room is behind every body (simdjson wants 64 bytes).
inline constexpr size_t kBodyPaddingBytes = 64;

// One request with its body; owns all its bytes. Views into `head` die when it is moved.
struct Request {
  http::RequestHead head;
  std::string body;  // unless empty, body.capacity() >= body.size() + kBodyPaddingBytes
  SocketAddress peer;
  bool over_tls = false;  // the connection is encrypted, and by us
};

}  // namespace bobbin::net
