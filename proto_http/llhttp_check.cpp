#include "proto_http/llhttp_check.h"

#include <llhttp.h>

namespace bobbin::http {
namespace {

// What llhttp made of one head.
struct Opinion {
  llhttp_errno_t error = HPE_OK;
  bool is_head_complete = false;
  bool ends_with_head = false;  // it took the head to its last byte and no further
  size_t field_count = 0;
  int minor_version = 0;
  int status = 0;
  bool is_chunked = false;
  bool has_length = false;
  uint64_t content_length = 0;
};

int on_field_complete(llhttp_t* parser) noexcept {
  ++static_cast<Opinion*>(parser->data)->field_count;
  return 0;
}

// Pausing here keeps llhttp from the body, which ChunkDecoder reads.
int on_head_complete(llhttp_t* parser) noexcept {
  auto* opinion = static_cast<Opinion*>(parser->data);
  opinion->is_head_complete = true;
  opinion->minor_version = parser->http_major == 1 ? parser->http_minor : -1;
  opinion->status = parser->status_code;
  opinion->is_chunked = (parser->flags & F_CHUNKED) != 0;
  opinion->has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
  opinion->content_length = parser->content_length;
  return HPE_PAUSED;
}

llhttp_settings_t make_settings() noexcept {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_value_complete = on_field_complete;
  settings.on_headers_complete = on_head_complete;
  return settings;
}

Opinion ask_llhttp(llhttp_type_t type, std::string_view head) noexcept {
  static const llhttp_settings_t settings = make_settings();
  Opinion opinion;
  llhttp_t parser;
  llhttp_init(&parser, type, &settings);
  parser.data = &opinion;
  opinion.error = llhttp_execute(&parser, head.data(), head.size());
  opinion.ends_with_head = opinion.error == HPE_PAUSED && llhttp_get_error_pos(&parser) == head.data() + head.size();
  return opinion;
}

bool agrees(const Opinion& opinion, const HeaderBlock& headers, int minor_version, const MessageRules& rules) noexcept {
  return opinion.is_head_complete && opinion.ends_with_head && opinion.field_count == headers.size() &&
         opinion.minor_version == minor_version && opinion.is_chunked == (rules.framing == Framing::chunked) &&
         opinion.has_length == (rules.framing == Framing::length) &&
         (!opinion.has_length || opinion.content_length == rules.content_length);
}

constexpr ParserError kDisagreement{400, Code::malformed, "the header can be read in two ways"};

}  // namespace

std::optional<ParserError> confirm_request(const HeaderBlock& headers, const RequestLine& line,
                                           const MessageRules& rules) {
  const Opinion opinion = ask_llhttp(HTTP_REQUEST, headers.bytes());
  // The second code is for methods of RTSP: the scan has passed everything else that is constant in a request.
  if (opinion.error == HPE_INVALID_METHOD || opinion.error == HPE_INVALID_CONSTANT) {
    return ParserError{501, Code::not_implemented, "the method is unknown"};
  }
  if (!agrees(opinion, headers, line.minor_version, rules)) return kDisagreement;
  return std::nullopt;
}

std::optional<ParserError> confirm_response(const HeaderBlock& headers, const StatusLine& line,
                                            const MessageRules& rules) {
  const Opinion opinion = ask_llhttp(HTTP_RESPONSE, headers.bytes());
  if (!agrees(opinion, headers, line.minor_version, rules) || opinion.status != line.status) return kDisagreement;
  return std::nullopt;
}

}  // namespace bobbin::http
