#pragma once

#include <atomic>
#include <cstdint>
#include <string>

// What the process has counted since it started. Thread-safe, relaxed: each number is right, a set of them need not
// agree.
namespace bobbin::metrics {

enum class Counter : uint8_t {
  http_requests,
  http_errors_4xx,
  http_errors_5xx,
  connections_accepted,
  connections_refused,
  tls_handshakes,
  tls_handshakes_failed,  // by clients that speak no TLS of ours, or refuse our certificate
  auth_failures,
  requests_limited,
  runs_started,
  runs_done,
  runs_failed,
  runs_interrupted,
  streams_broken,  // the client left before the terminal event
  tokens_streamed,
  upstream_requests,
  upstream_errors,
  store_commands,
  store_commits,  // one fsync each: store_commands / store_commits is the size of a group
  run_log_writes,
  run_log_bytes,
  run_log_syncs,
  jwks_fetches,
  jwks_fetch_failures,
  count_,
};
enum class Gauge : uint8_t {
  connections_open,
  runs_active,
  store_queue_depth,
  store_read_only,
  feeds_open,
  jwks_keys,
  count_
};

void add(Counter counter, uint64_t amount = 1) noexcept;
void add(Gauge gauge, int64_t amount) noexcept;
uint64_t read(Counter counter) noexcept;
int64_t read(Gauge gauge) noexcept;

// Appends all of them in the Prometheus text format, version 0.0.4.
void append_prometheus(std::string& out);

}  // namespace bobbin::metrics
