#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/load/bench_world.h"

// What is measured of streams. Each scenario prints its table, and lines that begin with `!` for what went wrong:
// figures of a round with such a line mean nothing.
namespace bobbin::bench {

struct ScenarioOptions {
  size_t streams = 100;            // paced, unpaced and stop: at the same time
  int64_t tokens_per_second = 50;  // of one paced stream
  uint64_t tokens = 4000;          // of one unpaced stream
  double seconds = 5;              // that a paced round is measured
  size_t rounds = 5;               // of each target, in turns
  size_t streams_max = 3000;       // capacity: where the search ends at the latest
  size_t question_bytes = 100;     // memory: what is asked
};

// How late tokens of paced streams are, beside the relay.
void measure_paced(World& world, const ScenarioOptions& options);
// The processor's time for a token where the upstream does not wait, in large sends and with one send for each token.
void measure_unpaced(World& world, const ScenarioOptions& options);
// The most paced streams whose 99th of 100 tokens is less than 20 ms late, on one core.
void measure_capacity(World& world, const ScenarioOptions& options);
// Memory of the server for each stream that is open in the middle of its answer.
void measure_memory(World& world, const ScenarioOptions& options);
// From sending a stop until the upstream sees its connection close, while other streams go on.
void measure_stop(World& world, const ScenarioOptions& options);

}  // namespace bobbin::bench
