#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/histogram.h"
#include "bench/load/poller.h"
#include "bench/load/stream_check.h"
#include "bench/load/wire.h"

namespace bobbin::bench {

// Which streams a client opens.
struct StreamPlan {
  Dialect dialect = Dialect::bobbin;
  uint16_t port = 0;
  size_t streams = 0;    // numbered from 0
  int64_t step = 1;      // Pace::step() of the upstream
  bool is_paced = true;  // tokens are times: their latency is recorded
  std::string round;     // begins the names of threads: no two rounds on one server have the same
  std::string secret;    // signs the users' tokens; each stream is another user's
  size_t question_bytes = 0;
};

// What became of the streams so far.
struct StreamCounts {
  size_t opened = 0;
  size_t begun = 0;  // have their first token, or are over
  size_t over = 0;
  uint64_t tokens = 0;
  std::array<size_t, static_cast<size_t>(Fault::failed) + 1> faults{};  // by Fault; `none`: whole
};

// Many readers of answers at once, each on a connection of its own, as a thousand browsers are.
class StreamClient {
 public:
  // `poller` outlives it.
  StreamClient(Poller& poller, StreamPlan plan);
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;
  // Closes what is open.
  ~StreamClient();

  // Opens streams up to the plan's number, but while `unbegun_max` wait for their first token no more. Call again and
  // again.
  void open_some(size_t unbegun_max);
  [[nodiscard]] std::string thread_of(uint64_t stream) const;

  // From now on latencies are recorded of tokens that are due in [from_ns, until_ns).
  void set_window(int64_t from_ns, int64_t until_ns) noexcept;

  [[nodiscard]] const StreamCounts& counts() const noexcept { return counts_; }
  // From when a token was due until it had been read.
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }

 private:
  class Stream;

  Poller& poller_;
  const StreamPlan plan_;
  std::vector<std::unique_ptr<Stream>> streams_;
  StreamCounts counts_;
  Histogram latency_;
  int64_t window_from_ns_ = INT64_MAX;
  int64_t window_until_ns_ = INT64_MAX;
};

// A token for `user`, for Authorization.
std::string make_bearer(const std::string& secret, const std::string& user);
// The user whose the stream is.
std::string user_of(uint64_t stream);

}  // namespace bobbin::bench
