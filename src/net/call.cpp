#include "src/net/call.h"

#include <algorithm>
#include <utility>

#include "proto_http/request_writer.h"
#include "src/base/assert.h"

namespace bobbin::net {
namespace {

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
      scope_(scope),
      parser_(request_kind(options.method), parser_limits(options.head_bytes_max)),
      idle_timeout_ms_(options.idle_timeout_ms) {
  outgoing_ = std::make_unique<Outgoing>(Outgoing{.options = std::move(options)});
}

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
  const HttpCallOptions& options = outgoing_->options;
  const http::Url& url = options.url;
  Route& route = outgoing_->route;
  route = {.tls = url.tls, .host = url.host, .port = url.port, .policy = options.address_policy};
  if (route.policy == nullptr) route.proxy = pool_.proxies().find(url.tls, url.host, url.port);
  TRY(append_head(outgoing_->head));
  if (auto pooled = options.once ? nullptr : pool_.take(route)) {
    channel_ = std::move(pooled);
    channel_->set_user(*this);
    is_on_pooled_ = true;
    send_request();
    return {};
  }
  return connect();
}

Result<void> Call::append_head(std::string& out) const {
  const auto& [options, route, head] = *outgoing_;
  if (options.method == "CONNECT") return fail(Code::invalid, 0, "CONNECT is for proxies");
  std::vector<http::HeaderField> fields;
  fields.reserve(options.headers.size() + 1);
  for (const auto& [name, value] : options.headers) {
    if (is_proxy_field(name)) return fail(Code::invalid, 0, "a header that is the client's own");
    fields.push_back({name, value});
  }
  const std::string authority = options.url.authority();
  std::string target = options.url.target();
  if (route.proxy != nullptr && !route.tls) {
    target = "http://" + authority + target;
    if (!route.proxy->authorization.empty()) fields.push_back({"Proxy-Authorization", route.proxy->authorization});
  }
  const bool has_body = !options.body.empty() || wants_body(options.method);
  return http::append_request_head(out, {.method = options.method,
                                         .target = target,
                                         .host = authority,
                                         .headers = fields,
                                         .framing = has_body ? http::Framing::length : http::Framing::none,
                                         .content_length = options.body.size()});
}

Result<void> Call::connect() {
  phase_ = Phase::connecting;
  is_on_pooled_ = false;
  channel_ = std::make_unique<Channel>(pool_.context(), outgoing_->route, *this);
  arm_in(outgoing_->options.connect_timeout_ms);
  return channel_->begin();
}

void Call::on_channel_open() noexcept {
  BOBBIN_ASSERT(phase_ == Phase::connecting);
  send_request();
}

void Call::send_request() noexcept {
  phase_ = Phase::awaiting_head;
  arm_in(outgoing_->options.first_byte_timeout_ms);
  // The body stays here in case it has to go out again.
  channel_->write(outgoing_->head + outgoing_->options.body);
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
  const bool is_news = phase_ == Phase::reading_body ? has_head_ || !ready_.empty() : !is_under_way();
  if (is_news) wake();
}

void Call::parse(std::string_view bytes, Received::End end) {
  // Silence is measured from the last byte, of whatever kind.
  if (phase_ == Phase::reading_body && !bytes.empty()) arm_in(idle_timeout_ms_);
  for (;;) {
    switch (parser_.next(bytes)) {
      case http::Event::need_more: return;
      case http::Event::head:
        has_head_ = true;
        is_reusable_ = parser_.head().keep_alive();
        phase_ = Phase::reading_body;
        arm_in(idle_timeout_ms_);
        outgoing_.reset();
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
  parser_.reset(request_kind(outgoing_->options.method));
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
  has_head_ = false;
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
  has_head_ = false;
  return parser_.take_head();
}

// Until the next piece there may be a while, and there are many calls.
void Call::release_bytes() noexcept { free_bytes(handed_); }

std::string_view Call::take_bytes() noexcept {
  BOBBIN_ASSERT(handed_.empty());
  std::swap(ready_, handed_);
  if (channel_ != nullptr && channel_->is_paused()) {
    channel_->resume();
    arm_in(idle_timeout_ms_);
  }
  return handed_;
}

}  // namespace bobbin::net
