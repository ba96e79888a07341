#include "bench/load/round.h"

#include <algorithm>

namespace bobbin::bench {
namespace {

// Time used from begin() to end().
class Meter {
 public:
  explicit Meter(const ChildProcess& target) : target_(target) {}

  void begin(const StreamCounts& counts) {
    tokens_ = counts.tokens;
    from_ = read();
  }
  void end(const StreamCounts& counts, RoundResult& result) {
    const Reading until = read();
    result.tokens = counts.tokens - tokens_;
    result.cpu.all_ns = until.cpu.all_ns - from_.cpu.all_ns;
    result.cpu.busiest_ns = until.cpu.busiest_ns - from_.cpu.busiest_ns;
    result.wall_ns = until.wall_ns - from_.wall_ns;
    result.load_cpu_ns = until.own_ns - from_.own_ns;
    result.others_cpu_ns =
        std::max<int64_t>(0, until.machine_ns - from_.machine_ns - result.cpu.all_ns - result.load_cpu_ns);
  }

 private:
  struct Reading {
    CpuTime cpu;
    int64_t wall_ns = 0;
    int64_t own_ns = 0;
    int64_t machine_ns = 0;
  };
  [[nodiscard]] Reading read() const { return {target_.cpu_time(), now_ns(), own_cpu_ns(), machine_cpu_ns()}; }

  const ChildProcess& target_;
  Reading from_;
  uint64_t tokens_ = 0;
};

}  // namespace

std::string RoundResult::complaint() const {
  if (is_clean()) return {};
  std::string out = in_time ? "" : "not all streams began and ended in time; ";
  for (size_t i = 1; i < counts.faults.size(); ++i) {
    if (counts.faults[i] > 0)
      out.append(std::to_string(counts.faults[i])).append(" ").append(fault_name(static_cast<Fault>(i))).append("; ");
  }
  return out;
}

double RoundResult::cpu_us_per_token() const noexcept {
  return tokens == 0 ? 0 : static_cast<double>(cpu.all_ns) / 1000 / static_cast<double>(tokens);
}

StreamPlan make_plan(const World& world, const Target& target, size_t streams, const Pace& pace) {
  static int rounds = 0;
  return {.dialect = target.dialect,
          .port = target.port,
          .streams = streams,
          .step = pace.step(),
          .is_paced = pace.interval_us > 0,
          .round = "round" + std::to_string(++rounds),
          .secret = world.secret()};
}

RoundResult run_paced(World& world, const Target& target, const RoundOptions& options) {
  RoundResult result;
  world.upstream().set_pace(options.pace);
  StreamClient client(world.poller(), make_plan(world, target, options.streams, options.pace));
  const auto all_have_begun = [&] {
    client.open_some(kUnbegunMax);
    return client.counts().begun == options.streams;
  };
  const auto all_are_over = [&] { return client.counts().over == options.streams; };
  result.in_time = world.run_until(all_have_begun, now_ns() + kPatienceNs);
  if (result.in_time) {
    // What beginning has left to do is not measured.
    world.run_until(all_are_over, now_ns() + options.measured_ns / 8);
    Meter meter(*target.process);
    meter.begin(client.counts());
    const int64_t from_ns = now_ns();
    client.set_window(from_ns, from_ns + options.measured_ns);
    world.run_until(all_are_over, from_ns + options.measured_ns);
    meter.end(client.counts(), result);
  }
  world.upstream().end_answers();
  result.in_time &= world.run_until(all_are_over, now_ns() + kPatienceNs);
  result.counts = client.counts();
  result.latency = client.latency();
  return result;
}

RoundResult run_unpaced(World& world, const Target& target, const RoundOptions& options) {
  RoundResult result;
  world.upstream().set_pace(options.pace);
  StreamClient client(world.poller(), make_plan(world, target, options.streams, options.pace));
  Meter meter(*target.process);
  meter.begin(client.counts());
  client.open_some(options.streams);
  const auto all_are_over = [&] { return client.counts().over == options.streams; };
  result.in_time = world.run_until(all_are_over, now_ns() + kPatienceNs);
  meter.end(client.counts(), result);
  result.counts = client.counts();
  return result;
}

}  // namespace bobbin::bench
