// What a token, a stream and a stop cost: the real server beside a raw byte relay, in front of an upstream that is
// paced to the microsecond; every stream is checked to be whole and in order.
//
//   bobbin-streams-bench [paced|unpaced|capacity|memory|stop|all] [--OPTION VALUE]…
//
//   --server PATH       the server (default: bobbin in the folder above this program's)
//   --directory DIR     for its data: made and removed (default: /var/tmp/bobbin-streams-bench)
//   --server-core N --load-core N    0 and 1; -1: any
//   --streams N --rate TOKENS_PER_SECOND --tokens N --seconds S --rounds N --streams-max N
//   --question-bytes N                see load/scenarios.h
//
// The server with its one worker, its writer and all else is on one core; the upstream and all clients are one thread
// on the other. With two cores in all, what the kernel does for the load's sockets and whatever else runs on the
// machine cannot be kept off either: the column `others` says how much of a core that was.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "bench/load/bench_world.h"
#include "bench/load/give_up.h"
#include "bench/load/scenarios.h"
#include "bench/load/store_share.h"

namespace bobbin::bench {
namespace {

struct Settings {
  std::string scenario = "all";
  WorldOptions world;
  ScenarioOptions scenarios;
};

template <class Number>
void set_number(Number& number, std::string_view text) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) give_up("an option's value is no number");
}

Settings parse(int argc, char** argv, const std::filesystem::path& self) {
  Settings settings;
  settings.world.server = self.parent_path().parent_path() / "bobbin";
  settings.world.directory = "/var/tmp/bobbin-streams-bench";
  ScenarioOptions& scenarios = settings.scenarios;
  const std::map<std::string_view, std::function<void(const char*)>> options = {
      {"--server", [&](const char* value) { settings.world.server = std::filesystem::absolute(value); }},
      {"--directory", [&](const char* value) { settings.world.directory = value; }},
      {"--server-core", [&](const char* value) { set_number(settings.world.measured_core, value); }},
      {"--load-core", [&](const char* value) { set_number(settings.world.load_core, value); }},
      {"--streams", [&](const char* value) { set_number(scenarios.streams, value); }},
      {"--rate", [&](const char* value) { set_number(scenarios.tokens_per_second, value); }},
      {"--tokens", [&](const char* value) { set_number(scenarios.tokens, value); }},
      {"--seconds", [&](const char* value) { set_number(scenarios.seconds, value); }},
      {"--rounds", [&](const char* value) { set_number(scenarios.rounds, value); }},
      {"--question-bytes", [&](const char* value) { set_number(scenarios.question_bytes, value); }},
      {"--streams-max", [&](const char* value) { set_number(scenarios.streams_max, value); }},
  };
  int i = 1;
  if (argc > 1 && argv[1][0] != '-') settings.scenario = argv[i++];
  for (; i < argc; i += 2) {
    const auto found = options.find(argv[i]);
    if (found == options.end()) give_up("unknown option; the head of bench/streams_bench.cpp has the list");
    if (i + 1 == argc) give_up("the last option has no value");
    found->second(argv[i + 1]);
  }
  if (scenarios.streams == 0 || scenarios.tokens == 0 || scenarios.tokens_per_second <= 0)
    give_up("there must be streams, tokens and a rate");
  return settings;
}

int run(int argc, char** argv) {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  if (argc == 3 && std::string_view(argv[1]) == "relay") {
    uint16_t port = 0;
    set_number(port, argv[2]);
    run_relay(port);
  }
  if (argc == 5 && std::string_view(argv[1]) == "store") {
    size_t messages = 0;
    size_t question_bytes = 0;
    set_number(messages, argv[3]);
    set_number(question_bytes, argv[4]);
    run_store(argv[2], messages, question_bytes);
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Settings settings = parse(argc, argv, self);
  const std::map<std::string_view, void (*)(World&, const ScenarioOptions&)> scenarios = {
      {"paced", measure_paced},
      {"unpaced", measure_unpaced},
      {"capacity", measure_capacity},
      {"memory", measure_memory},
      {"stop", measure_stop}};
  if (settings.scenario != "all" && !scenarios.contains(settings.scenario)) give_up("no such scenario");
  for (const std::string_view name : {"paced", "unpaced", "capacity", "stop", "memory"}) {
    if (settings.scenario != "all" && settings.scenario != name) continue;
    // Each on a server of its own: what one leaves in memory is not in another's figures.
    World world(settings.world, self);
    scenarios.at(name)(world, settings.scenarios);
  }
  return 0;
}

}  // namespace
}  // namespace bobbin::bench

int main(int argc, char** argv) { return bobbin::bench::run(argc, argv); }
