#include "src/net/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "src/base/assert.h"
#include "src/base/clock.h"
#include "src/base/metrics.h"
#include "src/net/connection.h"

namespace bobbin::net {

void RequestHandler::on_connection_closed(const SocketAddress&, Code) noexcept {}
void RequestHandler::append_common_headers(const http::RequestHead*, HeaderList&) noexcept {}

HttpServer::HttpServer(Loop& loop, const Options& options, RequestHandler& handler)
    : loop_(loop),
      options_(options),
      parser_limits_{.request_line_bytes_max = options.request_line_bytes_max,
                     .header_block_bytes_max = options.header_block_bytes_max},
      handler_(handler),
      listener_(loop, *this),
      read_buffer_(std::make_unique<std::array<char, kReadBufferBytes>>()) {
  BOBBIN_ASSERT(options.request_line_bytes_max <= options.header_block_bytes_max);
  BOBBIN_ASSERT(options.egress_soft_bytes <= options.egress_hard_bytes);
  BOBBIN_ASSERT(options.header_timeout_ms > 0 && options.idle_timeout_ms > 0);
  BOBBIN_ASSERT(options.body_bytes_per_second_min > 0);
  BOBBIN_ASSERT(options.handshakes_max > 0);
}

HttpServer::~HttpServer() {
  BOBBIN_ASSERT(!listener_open_ && connections_.count() == 0);
  BOBBIN_ASSERT(unsent_bytes_ == 0 && incoming_bytes_ == 0);
}

Result<void> HttpServer::listen(const BoundAddress& address) {
  BOBBIN_ASSERT(!draining_);
  TRY(listener_.open(address.address()));
  listener_open_ = true;
  return {};
}

void HttpServer::begin_drain() noexcept {
  if (draining_) return;
  draining_ = true;
  listener_.close();
  connections_.for_each([](Connection& connection) { connection.begin_drain(); });
  complete_if_empty();
}

void HttpServer::close_all() noexcept {
  // The listener first: it hands over what the kernel has accepted. begin_drain() last: when nothing is left it
  // completes closed(), and the waiter may destroy this server.
  listener_.close();
  connections_.for_each([](Connection& connection) { connection.close(Code::draining); });
  begin_drain();
}

void HttpServer::on_accept(int fd, const SocketAddress& peer) noexcept {
  if (connections_.count() >= options_.connections_max) {
    ::close(fd);
    return on_accept_refused();
  }
  metrics::add(metrics::Counter::connections_accepted);
  metrics::add(metrics::Gauge::connections_open, 1);
  Connection::start(*this, fd, peer);
  // Those that came before have been given more time than is there now.
  if (connections_.count() == options_.crowded_connections + 1)
    connections_.for_each([](Connection& connection) { connection.shorten_deadline(); });
}

void HttpServer::note_handshake(SlotName name) noexcept {
  handshakes_.push_back(name);
  if (handshakes_.size() <= options_.handshakes_max) return;
  Connection* oldest = connections_.find(handshakes_.front());
  handshakes_.pop_front();
  if (oldest != nullptr && oldest->is_handshaking()) oldest->close(Code::overloaded);
}

uint32_t HttpServer::idle_timeout_ms() const noexcept {
  if (!is_crowded()) return options_.idle_timeout_ms;
  return std::min(options_.idle_timeout_ms, options_.crowded_idle_timeout_ms);
}

uint32_t HttpServer::write_stall_timeout_ms() const noexcept {
  if (!is_crowded()) return options_.write_stall_timeout_ms;
  return std::min(options_.write_stall_timeout_ms, options_.crowded_write_stall_timeout_ms);
}

void HttpServer::on_accept_refused() noexcept { metrics::add(metrics::Counter::connections_refused); }

void HttpServer::on_listener_closed() noexcept {
  listener_open_ = false;
  complete_if_empty();
}

void HttpServer::on_connection_freed(SlotName name, const SocketAddress& peer, Code reason) noexcept {
  connections_.remove(name);
  metrics::add(metrics::Gauge::connections_open, -1);
  handler_.on_connection_closed(peer, reason);
  complete_if_empty();
}

void HttpServer::complete_if_empty() noexcept {
  if (draining_ && !listener_open_ && connections_.count() == 0 && !closed_.is_done()) closed_.complete();
}

std::string_view HttpServer::date() noexcept {
  const int64_t second = wall_now_us() / 1'000'000;
  if (second == date_second_) return date_;
  date_second_ = second;
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto time = static_cast<std::time_t>(second);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday], utc.tm_mday,
                    kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  date_.assign(text, static_cast<size_t>(size));
  return date_;
}

}  // namespace bobbin::net
