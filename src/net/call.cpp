#include "src/net/call.h"

#include <algorithm>
#include <utility>

#include "proto_http/request_writer.h"
#include "src/base/assert.h"

namespace bobbin::net {
namespace {

// Past this, a buffer that was handed out is freed rather than kept for the next piece: streams of tokens come in small
// ones.
constexpr size_t kKeptBufferBytesMax = 16 * 1024;

http::RequestKind request_kind(const std::string& method) noexcept {
  return method == "HEAD" ? http::RequestKind::head : http::RequestKind::normal;
}

http::ParserLimits parser_limits(size_t head_bytes_max) noexcept {
  http::ParserLimits limits = http::kResponseLimits;
  limits.header_block_bytes_max = head_bytes_max;
  limits.request_line_bytes_max = std::min(limits.request_line_bytes_max, head_bytes_max);
  return limits;
}

// Whether the method says that a body is meant to come, so that an empty one needs its `Content-Length: 0`.
bool wants_body(const std::string& method) noexcept { return method == "POST" || method == "PUT" || method == "PATCH"; }

// Assigning an empty string would keep the memory.
void free_bytes(std::string& bytes) noexcept { std::string().swap(bytes); }

bool is_proxy_field(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "proxy-";
  return name.size() >= kPrefix.size() && http::equals_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

}  // namespace

Call::Call(ClientPool& pool, HttpCallOptions options, CancelScope& scope)
    : pool_(pool),
      options_(std::move(options)),
      scope_(scope),
      parser_(request_kind(options_.method), parser_limits(options_.head_bytes_max)) {}

Call::~Call() { BOBBIN_ASSERT(!is_waiting_); }

void Call::begin() noexcept {
  BOBBIN_ASSERT(phase_ == Phase::created);
  phase_ = Phase::connecting;
  scope_hook_.watch(scope_);
  if (is_under_way()) closing_hook_.watch(pool_.closing());
  if (!is_under_way()) return;
  if (auto result = prepare(); !result) fail_with(result.error());
}

Result<void> Call::prepare() {
  const http::Url& url = options_.url;
  route_ = {.tls = url.tls, .host = url.host, .port = url.port, .policy = options_.address_policy};
  if (route_.policy == nullptr) route_.proxy = pool_.proxies().find(url.tls, url.host, url.port);
  TRY(append_head(request_head_));
  if (auto pooled = options_.once ? nullptr : pool_.take(route_)) {
    channel_ = std::move(pooled);
    channel_->set_user(*this);
    is_on_pooled_ = true;
    send_request();
    return {};
  }
  return connect();
}

Result<void> Call::append_head(std::string& out) const {
  if (options_.method == "CONNECT") return fail(Code::invalid, 0, "CONNECT is for proxies");
  std::vector<http::HeaderField> fields;
  fields.reserve(options_.headers.size() + 1);
  for (const auto& [name, value] : options_.headers) {
    if (is_proxy_field(name)) return fail(Code::invalid, 0, "a header that is the client's own");
    fields.push_back({name, value});
  }
  const std::string authority = options_.url.authority();
  std::string target = options_.url.target();
  if (route_.proxy != nullptr && !route_.tls) {
    target = "http://" + authority + target;
    if (!route_.proxy->authorization.empty()) fields.push_back({"Proxy-Authorization", route_.proxy->authorization});
  }
  const bool has_body = !options_.body.empty() || wants_body(options_.method);
  return http::append_request_head(out, {.method = options_.method,
                                         .target = target,
                                         .host = authority,
                                         .headers = fields,
                                         .framing = has_body ? http::Framing::length : http::Framing::none,
                                         .content_length = options_.body.size()});
}

Result<void> Call::connect() {
  phase_ = Phase::connecting;
  is_on_pooled_ = false;
  channel_ = std::make_unique<Channel>(pool_.context(), route_, *this);
  arm_in(options_.connect_timeout_ms);
  return channel_->begin();
}

void Call::on_channel_open() noexcept {
  BOBBIN_ASSERT(phase_ == Phase::connecting);
  send_request();
}

void Call::send_request() noexcept {
  phase_ = Phase::awaiting_head;
  arm_in(options_.first_byte_timeout_ms);
  // The body stays here in case it has to go out again.
  channel_->write(request_head_ + options_.body);
}

void Call::on_received(const Received& received) noexcept {
  if (phase_ == Phase::connecting) {
    BOBBIN_ASSERT(received.end == Received::End::broken);
    fail_with(received.error);
    wake();
    return;
  }
  parse(received.bytes, received.end);
  if (is_under_way() && received.end != Received::End::none) take_end(received);
  if (is_under_way() && ready_.size() >= HttpCall::kReadAheadBytesMax) {
    channel_->pause();
    disarm();
  }
  const bool is_news = phase_ == Phase::reading_body ? head_.has_value() || !ready_.empty() : !is_under_way();
  if (is_news) wake();
}

void Call::parse(std::string_view bytes, Received::End end) {
  // Silence is measured from the last byte, of whatever kind.
  if (phase_ == Phase::reading_body && !bytes.empty()) arm_in(options_.idle_timeout_ms);
  for (;;) {
    switch (parser_.next(bytes)) {
      case http::Event::need_more: return;
      case http::Event::head:
        head_ = parser_.take_head();
        is_reusable_ = head_->keep_alive();
        phase_ = Phase::reading_body;
        arm_in(options_.idle_timeout_ms);
        // It will not go out again, and an answer may take minutes.
        free_bytes(request_head_);
        free_bytes(options_.body);
        break;
      case http::Event::body: ready_.append(parser_.body_piece()); break;
      case http::Event::complete: finish(bytes.empty() && end == Received::End::none); return;
      case http::Event::error: {
        const http::ParserError& error = parser_.error();
        fail_with(Error(error.code, 0, error.detail));
        return;
      }
    }
  }
}

void Call::take_end(const Received& received) {
  if (try_again()) return;
  const bool is_before_answer = parser_.at_boundary();
  if (received.end == Received::End::orderly) {
    if (parser_.finish() == http::Event::complete) {
      finish(false);
      return;
    }
  } else if (received.error.code != Code::closed && received.error.number != UV_ECONNRESET) {
    fail_with(received.error);
    return;
  }
  const char* detail = is_before_answer ? "closed before an answer" : "the answer was cut";
  fail_with(Error(Code::closed, received.error.number, detail));
}

// A pooled connection that the server had given up before our request reached it: it did nothing with the request, as
// far as anyone can know, and a fresh connection is a fair second try.
bool Call::try_again() {
  if (!is_on_pooled_ || !parser_.at_boundary()) return false;
  channel_.reset();
  parser_.reset(request_kind(options_.method));
  if (auto result = connect(); !result) fail_with(result.error());
  return true;
}

void Call::finish(bool is_reusable) {
  phase_ = Phase::complete;
  disarm();
  scope_hook_.unwatch();
  closing_hook_.unwatch();
  if (is_reusable && is_reusable_ && channel_->is_write_done()) {
    pool_.keep(std::move(channel_));
  } else {
    channel_.reset();
  }
}

void Call::fail_with(const Error& error) noexcept {
  phase_ = Phase::failed;
  error_ = error;
  disarm();
  scope_hook_.unwatch();
  closing_hook_.unwatch();
  channel_.reset();
}

void Call::on_cancel() noexcept {
  fail_with(Error(Code::cancelled));
  head_.reset();
  ready_.clear();
  wake();
}

void Call::on_timer() noexcept {
  fail_with(Error(Code::timeout, 0, timeout_detail()));
  wake();
}

const char* Call::timeout_detail() const noexcept {
  if (phase_ == Phase::awaiting_head) return "no answer in time";
  if (phase_ == Phase::reading_body) return "the answer stopped";
  switch (channel_->state()) {
    case Channel::State::tunnelling: return "proxy: no answer in time";
    case Channel::State::handshaking: return "TLS: no handshake in time";
    default: return channel_->is_looking_up() ? "name lookup took too long" : "no connection in time";
  }
}

Completion& Call::wait() noexcept {
  BOBBIN_ASSERT(!is_waiting_ && phase_ != Phase::created && is_under_way());
  is_waiting_ = true;
  change_.reset();
  return change_;
}

void Call::wake() noexcept {
  if (!is_waiting_) return;
  is_waiting_ = false;
  change_.complete();
}

http::ResponseHead Call::take_head() noexcept {
  http::ResponseHead head = std::move(*head_);
  head_.reset();
  return head;
}

void Call::release_bytes() noexcept {
  if (handed_.capacity() > kKeptBufferBytesMax) free_bytes(handed_);
  handed_.clear();
}

std::string_view Call::take_bytes() noexcept {
  BOBBIN_ASSERT(handed_.empty());
  std::swap(ready_, handed_);
  if (channel_ != nullptr && channel_->is_paused()) {
    channel_->resume();
    arm_in(options_.idle_timeout_ms);
  }
  return handed_;
}

}  // namespace bobbin::net
