#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/load/bench_world.h"
#include "bench/load/histogram.h"
#include "bench/load/paced_upstream.h"
#include "bench/load/stream_client.h"

namespace bobbin::bench {

// One round: so many streams on one target.
struct RoundOptions {
  size_t streams = 100;
  Pace pace;
  // Paced: how long is measured, once every stream has begun.
  int64_t measured_ns = 0;
};

struct RoundResult {
  StreamCounts counts;   // at the end
  bool in_time = false;  // all streams began, and all ended
  uint64_t tokens = 0;   // while it was measured, as is all below
  Histogram latency;     // of paced tokens
  CpuTime cpu;           // of the target
  int64_t wall_ns = 0;
  int64_t load_cpu_ns = 0;
  int64_t others_cpu_ns = 0;  // of all else on this machine

  // All streams came to their end, whole and in order.
  [[nodiscard]] bool is_clean() const noexcept { return in_time && counts.faults[0] == counts.opened; }
  // For people: what went wrong.
  [[nodiscard]] std::string complaint() const;
  [[nodiscard]] double cpu_us_per_token() const noexcept;
};

// Paced streams, measured while all of them are open.
RoundResult run_paced(World& world, const Target& target, const RoundOptions& options);
// Streams as fast as they go, from the first request to the last end.
RoundResult run_unpaced(World& world, const Target& target, const RoundOptions& options);

// A plan for streams of `target` whose threads have names that no other plan has used.
StreamPlan make_plan(const World& world, const Target& target, size_t streams, const Pace& pace);

inline constexpr int64_t kSecondNs = 1'000'000'000;
// How long all streams may take to begin, or to end: past it a round has failed.
inline constexpr int64_t kPatienceNs = 30 * kSecondNs;
// Streams that are being begun at the same time.
inline constexpr size_t kUnbegunMax = 64;

}  // namespace bobbin::bench
