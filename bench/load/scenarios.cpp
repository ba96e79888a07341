#include "bench/load/scenarios.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/give_up.h"
#include "bench/load/round.h"
#include "bench/load/stop_caller.h"

namespace bobbin::bench {
namespace {

constexpr double kLatencyUsMax = 20'000;
// That are open at once while memory is measured.
constexpr size_t kMemoryStreams = 2000;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percent(int64_t part_ns, int64_t of_ns) {
  return of_ns == 0 ? 0 : 100.0 * static_cast<double>(part_ns) / static_cast<double>(of_ns);
}

Pace paced(const ScenarioOptions& options) { return {.interval_us = 1'000'000 / options.tokens_per_second}; }

int64_t measured_ns(const ScenarioOptions& options) {
  return static_cast<int64_t>(options.seconds * static_cast<double>(kSecondNs));
}

void complain(const Target& target, const RoundResult& result) {
  if (!result.is_clean()) std::printf("! %s: %s\n", target.name, result.complaint().c_str());
}

// How the processor was used in a round, as the end of a row.
void print_use(const RoundResult& result) {
  std::printf("%10.2f %9.0f %9.0f %9.0f\n", result.cpu_us_per_token(), percent(result.cpu.all_ns, result.wall_ns),
              percent(result.load_cpu_ns, result.wall_ns), percent(result.others_cpu_ns, result.wall_ns));
}

// The figures of one target over its rounds.
struct Series {
  std::vector<double> p50, p99, p999, cpu_us, busiest_us;
  Histogram all;

  void add(const RoundResult& result) {
    p50.push_back(result.latency.quantile_us(0.5));
    p99.push_back(result.latency.quantile_us(0.99));
    p999.push_back(result.latency.quantile_us(0.999));
    cpu_us.push_back(result.cpu_us_per_token());
    if (result.tokens > 0)
      busiest_us.push_back(static_cast<double>(result.cpu.busiest_ns) / 1000 / static_cast<double>(result.tokens));
    all.add(result.latency);
  }
};

// What is left of `ours` over `theirs`, round by round.
double median_difference(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> differences;
  for (size_t i = 0; i < ours.size(); ++i) differences.push_back(ours[i] - theirs[i]);
  return median(differences);
}
double median_ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(theirs[i] > 0 ? ours[i] / theirs[i] : 0);
  return median(ratios);
}

constexpr const char* kUseHead = "CPU us/tok    core %    load %  others %";

RoundResult run_capacity_round(World& world, const Target& target, const ScenarioOptions& options, size_t streams) {
  RoundResult result =
      run_paced(world, target, {.streams = streams, .pace = paced(options), .measured_ns = measured_ns(options)});
  complain(target, result);
  std::printf("%-8s %7zu %10.0f %10.0f ", target.name, streams, result.latency.quantile_us(0.5),
              result.latency.quantile_us(0.99));
  print_use(result);
  return result;
}

// Once more where it did not hold: somebody else may have had the core.
bool holds(World& world, const ScenarioOptions& options, size_t streams) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const RoundResult result = run_capacity_round(world, world.server(), options, streams);
    if (result.is_clean() && result.latency.quantile_us(0.99) < kLatencyUsMax) return true;
  }
  return false;
}

void print_memory(const char* what, int64_t bytes, int64_t grown, size_t streams) {
  std::printf("%-18s %10.1f", what, static_cast<double>(bytes) / 1e6);
  if (streams > 0) std::printf(" %14.2f", static_cast<double>(grown) / 1024 / static_cast<double>(streams));
  std::printf("\n");
}

// Opens more and more streams, and ends them: KiB that each of all has cost.
double measure_memory_once(World& world, const ScenarioOptions& options) {
  constexpr Pace kSlow{.interval_us = 1'000'000};
  // More than usual begin at once, as each waits up to a second for its first token.
  constexpr size_t kUnbegun = 256;
  const ChildProcess& process = *world.server().process;
  const int64_t before = process.anonymous_bytes();
  print_memory("none", before, 0, 0);
  world.upstream().set_pace(kSlow);
  std::vector<std::unique_ptr<StreamClient>> clients;
  size_t open = 0;
  int64_t last = before;
  const auto are_all = [&](size_t StreamCounts::*count) {
    size_t sum = 0;
    for (const auto& client : clients) sum += client->counts().*count;
    return sum == open;
  };
  for (const size_t streams : {size_t{100}, kMemoryStreams / 2, kMemoryStreams}) {
    const size_t more = streams - open;
    open = streams;
    StreamPlan plan = make_plan(world, world.server(), more, kSlow);
    plan.question_bytes = options.question_bytes;
    clients.push_back(std::make_unique<StreamClient>(world.poller(), std::move(plan)));
    const auto all_have_begun = [&] {
      clients.back()->open_some(kUnbegun);
      return are_all(&StreamCounts::begun);
    };
    if (!world.run_until(all_have_begun, now_ns() + 2 * kPatienceNs)) give_up("not all streams began in time");
    world.run_until([] { return false; }, now_ns() + 2 * kSecondNs);
    const int64_t now = process.anonymous_bytes();
    print_memory(std::to_string(streams).c_str(), now, now - before, streams);
    print_memory(("  the last " + std::to_string(more)).c_str(), now, now - last, more);
    last = now;
  }
  world.upstream().end_answers();
  if (!world.run_until([&] { return are_all(&StreamCounts::over); }, now_ns() + kPatienceNs))
    std::printf("! not all streams ended in time\n");
  print_memory("after they ended", process.anonymous_bytes(), 0, 0);
  return static_cast<double>(last - before) / 1024 / static_cast<double>(open);
}

}  // namespace

void measure_paced(World& world, const ScenarioOptions& options) {
  std::printf("\npaced: %zu streams of %lld tokens/s, %zu rounds of %.1f s each in turns\n", options.streams,
              static_cast<long long>(options.tokens_per_second), options.rounds, options.seconds);
  std::printf("us late         p50       p99     p99.9 %s\n", kUseHead);
  const RoundOptions round{.streams = options.streams, .pace = paced(options), .measured_ns = measured_ns(options)};
  const std::array<Target, 2> targets = {world.relay(), world.server()};
  std::array<Series, 2> series;
  for (size_t i = 0; i < options.rounds; ++i) {
    for (size_t which = 0; which < targets.size(); ++which) {
      const RoundResult result = run_paced(world, targets[which], round);
      complain(targets[which], result);
      series[which].add(result);
      std::printf("%-8s %10.0f %9.0f %9.0f ", targets[which].name, series[which].p50.back(), series[which].p99.back(),
                  series[which].p999.back());
      print_use(result);
    }
  }
  const auto& [relay, server] = series;
  for (size_t which = 0; which < targets.size(); ++which) {
    const Series& one = series[which];
    std::printf("median %-8s p50 %.0f  p99 %.0f  p99.9 %.0f us; all rounds together p50 %.0f  p99 %.0f  p99.9 %.0f\n",
                targets[which].name, median(one.p50), median(one.p99), median(one.p999), one.all.quantile_us(0.5),
                one.all.quantile_us(0.99), one.all.quantile_us(0.999));
  }
  std::printf("added p50 %.0f us (wanted: at most 60); p99 %.2f x the relay's (wanted: at most 1.5)\n",
              median_difference(server.p50, relay.p50), median_ratio(server.p99, relay.p99));
}

void measure_unpaced(World& world, const ScenarioOptions& options) {
  std::printf("\nunpaced: %zu streams of %llu tokens at once, %zu rounds each in turns\n", options.streams,
              static_cast<unsigned long long>(options.tokens), options.rounds);
  for (const uint32_t per_send : {64U, 1U}) {
    const RoundOptions round{.streams = options.streams,
                             .pace = {.interval_us = 0, .tokens = options.tokens, .tokens_per_send = per_send}};
    std::printf("%2u tokens a send   tokens/s %s\n", per_send, kUseHead);
    const std::array<Target, 2> targets = {world.relay(), world.server()};
    std::array<Series, 2> series;
    for (size_t i = 0; i < options.rounds; ++i) {
      for (size_t which = 0; which < targets.size(); ++which) {
        const RoundResult result = run_unpaced(world, targets[which], round);
        complain(targets[which], result);
        series[which].add(result);
        std::printf("%-16s %10.0f ", targets[which].name,
                    static_cast<double>(result.tokens) / static_cast<double>(result.wall_ns) * 1e9);
        print_use(result);
      }
    }
    std::printf("median CPU us/token: bobbin %.2f, of it the worker's thread %.2f; relay %.2f (wanted: at most 3)\n",
                median(series[1].cpu_us), median(series[1].busiest_us), median(series[0].cpu_us));
  }
}

void measure_capacity(World& world, const ScenarioOptions& options) {
  std::printf("\ncapacity: streams of %lld tokens/s on one core, p99 below %.0f ms, rounds of %.1f s\n",
              static_cast<long long>(options.tokens_per_second), kLatencyUsMax / 1000, options.seconds);
  std::printf("         streams     p50 us     p99 us %s\n", kUseHead);
  size_t good = 0;
  size_t bad = options.streams_max + 1;
  for (size_t streams = std::min(options.streams_max, std::max<size_t>(options.streams, 400));;) {
    (holds(world, options, streams) ? good : bad) = streams;
    if (good == options.streams_max || bad - good <= std::max<size_t>(10, good / 20)) break;
    streams = bad > options.streams_max ? std::min(options.streams_max, good * 2) : good + (bad - good) / 2;
  }
  const RoundResult relay = run_capacity_round(world, world.relay(), options, std::max<size_t>(1, good));
  std::printf("most streams: %zu (wanted: at least 800); the relay's p99 with as many: %.0f us\n", good,
              relay.latency.quantile_us(0.99));
}

void measure_memory(World& world, const ScenarioOptions& options) {
  std::printf(
      "\nmemory: anonymous memory of the server, streams in the middle of their answers, questions of %zu bytes\n",
      options.question_bytes);
  std::printf("streams                    MB  KiB a stream\n");
  // What the first streams ever leave behind is not the price of a stream.
  complain(world.server(),
           run_unpaced(world, world.server(), {.streams = 100, .pace = {.interval_us = 0, .tokens = 100}}));
  const double all = measure_memory_once(world, options);
  std::printf("as many again, in the memory that those have left\n");
  const double again = measure_memory_once(world, options);
  const double store = static_cast<double>(world.store_bytes(kMemoryStreams, options.question_bytes)) / 1024 /
                       static_cast<double>(kMemoryStreams);
  std::printf("a stream: %.2f KiB, of which later ones use %.2f again\n", all, all - again);
  std::printf("of it the store keeps %.2f of a message in a new thread, whatever becomes of its stream\n", store);
  std::printf("an open stream: %.2f KiB (wanted: at most 6)\n", all - store);
}

void measure_stop(World& world, const ScenarioOptions& options) {
  const Target server = world.server();
  std::printf("\nstop: %zu streams of %lld tokens/s, each stopped in turn while the others go on\n", options.streams,
              static_cast<long long>(options.tokens_per_second));
  const Pace pace = paced(options);
  world.upstream().set_pace(pace);
  StreamClient client(world.poller(), make_plan(world, server, options.streams, pace));
  const auto all_have_begun = [&] {
    client.open_some(kUnbegunMax);
    return client.counts().begun == options.streams;
  };
  if (!world.run_until(all_have_begun, now_ns() + kPatienceNs)) give_up("not all streams began in time");
  StopCaller caller(world.poller(), server.port);
  Histogram until_closed;
  size_t unstopped = 0;
  for (uint64_t stream = 0; stream < options.streams; ++stream) {
    caller.ask(client.thread_of(stream), make_bearer(world.secret(), user_of(stream)));
    const auto is_over = [&] { return caller.is_answered() && world.upstream().closed_ns(stream).has_value(); };
    if (world.run_until(is_over, now_ns() + kSecondNs) && caller.status() == 200) {
      until_closed.record(*world.upstream().closed_ns(stream) - caller.sent_ns());
    } else if (caller.is_answered()) {
      ++unstopped;
    } else {
      give_up("a stop is not answered");
    }
  }
  world.run_until([&] { return client.counts().over == options.streams; }, now_ns() + kSecondNs);
  const size_t stopped = client.counts().faults[static_cast<size_t>(Fault::stopped)];
  if (unstopped > 0 || stopped != options.streams)
    std::printf("! %zu stops had no effect; %zu of %zu streams ended with `stopped`\n", unstopped, stopped,
                options.streams);
  std::printf("upstream closed after p50 %.2f ms, p99 %.2f ms, at most %.2f ms (wanted: 20 ms)\n",
              until_closed.quantile_us(0.5) / 1000, until_closed.quantile_us(0.99) / 1000,
              until_closed.quantile_us(1) / 1000);
}

}  // namespace bobbin::bench
