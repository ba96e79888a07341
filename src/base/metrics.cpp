#include "src/base/metrics.h"

#include <array>

#include "src/base/json.h"

namespace bobbin::metrics {
namespace {

constexpr size_t kCounters = static_cast<size_t>(Counter::count_);
constexpr size_t kGauges = static_cast<size_t>(Gauge::count_);

struct Description {
  std::string_view name;
  std::string_view help;
};

constexpr std::array<Description, kCounters> kCounterNames{{
    {"bobbin_http_requests_total", "Requests answered"},
    {"bobbin_http_errors_4xx_total", "Requests answered with a status of 400 to 499"},
    {"bobbin_http_errors_5xx_total", "Requests answered with a status of 500 to 599"},
    {"bobbin_connections_accepted_total", "Connections accepted"},
    {"bobbin_connections_refused_total", "Connections closed at once because the limit was reached"},
    {"bobbin_tls_handshakes_total", "Connections that were encrypted"},
    {"bobbin_tls_handshakes_failed_total", "Connections that ended before they were"},
    {"bobbin_auth_failures_total", "Requests refused for a missing or bad token"},
    {"bobbin_requests_limited_total", "Requests refused because their user, API key or address sends too many"},
    {"bobbin_runs_started_total", "Runs started"},
    {"bobbin_runs_done_total", "Runs that ended with done"},
    {"bobbin_runs_failed_total", "Runs that ended with error"},
    {"bobbin_runs_interrupted_total", "Runs that were stopped, deleted or interrupted"},
    {"bobbin_streams_broken_total", "Streams whose client left before the terminal event"},
    {"bobbin_tokens_streamed_total", "Token events made"},
    {"bobbin_upstream_requests_total", "Requests sent to the model's server"},
    {"bobbin_upstream_errors_total", "Requests to the model's server that failed"},
    {"bobbin_store_commands_total", "Commands committed by the store"},
    {"bobbin_store_commits_total", "Commits of the store, one fsync each"},
    {"bobbin_run_log_writes_total", "Writes to the run log, each with all events of one turn of a worker"},
    {"bobbin_run_log_bytes_total", "Bytes written to the run log"},
    {"bobbin_run_log_syncs_total", "Syncs of segments of the run log"},
    {"bobbin_jwks_fetches_total", "Good answers of the JWKS URL"},
    {"bobbin_jwks_fetch_failures_total", "Fetches of the JWKS URL that failed or brought no usable key"},
}};
constexpr std::array<Description, kGauges> kGaugeNames{{
    {"bobbin_connections_open", "Open connections"},
    {"bobbin_runs_active", "Runs in progress"},
    {"bobbin_store_queue_depth", "Commands that wait for the store's writer"},
    {"bobbin_store_read_only", "1 while the disk is full or nearly so and new messages are refused"},
    {"bobbin_feeds_open", "Open streams of GET /chat/events"},
    {"bobbin_jwks_keys", "Keys of the JWKS in use"},
}};

std::array<std::atomic<uint64_t>, kCounters> counters;
std::array<std::atomic<int64_t>, kGauges> gauges;

void append_sample(std::string& out, const Description& description, std::string_view type, int64_t value) {
  out.append("# HELP ").append(description.name).append(" ").append(description.help).append("\n");
  out.append("# TYPE ").append(description.name).append(" ").append(type).append("\n");
  out.append(description.name).append(" ");
  json::append_int(out, value);
  out.push_back('\n');
}

}  // namespace

void add(Counter counter, uint64_t amount) noexcept {
  counters[static_cast<size_t>(counter)].fetch_add(amount, std::memory_order_relaxed);
}

void add(Gauge gauge, int64_t amount) noexcept {
  gauges[static_cast<size_t>(gauge)].fetch_add(amount, std::memory_order_relaxed);
}

uint64_t read(Counter counter) noexcept {
  return counters[static_cast<size_t>(counter)].load(std::memory_order_relaxed);
}

int64_t read(Gauge gauge) noexcept { return gauges[static_cast<size_t>(gauge)].load(std::memory_order_relaxed); }

void append_prometheus(std::string& out) {
  for (size_t i = 0; i < kCounters; ++i)
    append_sample(out, kCounterNames[i], "counter", static_cast<int64_t>(read(static_cast<Counter>(i))));
  for (size_t i = 0; i < kGauges; ++i) append_sample(out, kGaugeNames[i], "gauge", read(static_cast<Gauge>(i)));
}

}  // namespace bobbin::metrics
