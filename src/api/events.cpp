// GET /chat/events: all that changes for a user, live, as server-sent events (docs/events.md).

#include <charconv>
#include <memory>

#include "src/api/handlers.h"
#include "src/api/services.h"
#include "src/api/sse_stream.h"

namespace bobbin::api {
namespace {

class FeedStream final : public chat::FeedFollower, private SseStream::Writer {
 public:
  FeedStream(Services& services, Exchange& exchange)
      : hub_(services.feeds),
        stream_(services.loop, exchange.responder, exchange.common_headers, *this, exchange.identity.expires_us) {}

  bool begin() { return stream_.begin(); }

  Taken on_event(uint64_t sequence, std::string_view json) noexcept override {
    thread_local std::string event;  // keeps its memory from event to event
    event.clear();
    append_event(event, sequence, json);
    switch (stream_.send(event)) {
      case net::WriteState::ok: return Taken::ok;
      case net::WriteState::slow: return Taken::slow;
      case net::WriteState::gone: return Taken::gone;
    }
    return Taken::gone;
  }
  void on_end() noexcept override { stream_.end(); }

 private:
  void on_stream_gone() noexcept override { hub_.remove(*this); }
  void on_stream_drained() noexcept override { hub_.resume(*this); }

  chat::FeedHub& hub_;
  SseStream stream_;
};

// The change after which a client goes on; nullopt: it begins now.
Result<std::optional<uint64_t>> last_event_id(const http::RequestHead& head) {
  std::optional<uint64_t> id;
  for (size_t i = 0; i < head.headers().size(); ++i) {
    const http::HeaderField field = head.headers()[i];
    if (!http::equals_ignoring_case(field.name, "Last-Event-ID")) continue;
    if (id) return fail(Code::malformed, 0, "Last-Event-ID stands in the request twice");
    const char* const end = field.value.data() + field.value.size();
    const auto [at, error] = std::from_chars(field.value.data(), end, id.emplace());
    if (error != std::errc() || at != end)
      return fail(Code::malformed, 0, "Last-Event-ID must be the id of an event of this feed");
  }
  return id;
}

}  // namespace

Task<Result<Answer>> get_events(Services& services, Exchange& exchange) {
  CO_TRY_ASSIGN(const std::optional<uint64_t> after, last_event_id(exchange.request.head));
  if (services.feeds.is_draining()) co_return fail(Code::draining, 0, "the server is ending");
  auto stream = std::make_unique<FeedStream>(services, exchange);
  if (!stream->begin()) co_return std::nullopt;
  if (exchange.request.head.method() == http::Method::head) {
    stream->on_end();
  } else {
    services.feeds.follow(exchange.identity.user, after, std::move(stream));
  }
  co_return std::nullopt;
}

}  // namespace bobbin::api
