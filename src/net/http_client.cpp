#include "src/net/http_client.h"

#include "src/base/assert.h"
#include "src/net/call.h"
#include "src/net/client_pool.h"

namespace bobbin::net {

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : pool_(std::make_unique<ClientPool>(loop, std::move(options))) {}

HttpClient::~HttpClient() = default;

Completion& HttpClient::begin_close() noexcept { return pool_->begin_close(); }

size_t HttpClient::pooled_count() const noexcept { return pool_->pooled_count(); }

size_t HttpClient::open_count() const noexcept { return pool_->open_count(); }

HttpCall::HttpCall(HttpClient& client, HttpCallOptions options, CancelScope& scope)
    : call_(std::make_unique<Call>(*client.pool_, std::move(options), scope)) {}

HttpCall::~HttpCall() = default;

Task<Result<http::ResponseHead>> HttpCall::head() {
  call_->begin();
  if (!call_->has_head() && call_->is_under_way()) co_await call_->wait();
  // What came before a failure is handed out before it, here and in read().
  if (call_->has_head()) co_return call_->take_head();
  co_return fail(*call_->error());
}

Task<Result<std::string_view>> HttpCall::read() {
  call_->release_bytes();
  if (!call_->has_bytes() && call_->is_under_way()) co_await call_->wait();
  if (call_->has_bytes()) co_return call_->take_bytes();
  if (call_->error()) co_return fail(*call_->error());
  co_return std::string_view{};
}

Task<Result<bool>> HttpCall::drain(size_t bytes_max) {
  size_t bytes = 0;
  while (bytes <= bytes_max) {
    CO_TRY_ASSIGN(const std::string_view piece, co_await read());
    if (piece.empty()) co_return true;
    bytes += piece.size();
  }
  co_return false;
}

}  // namespace bobbin::net
