#include "bench/load/bench_world.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "bench/load/byte_relay.h"
#include "bench/load/give_up.h"

namespace bobbin::bench {
namespace {

// Two descriptors for each stream, in the server and here.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("getrlimit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up("setrlimit", errno);
}

uint16_t parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) give_up("a child has no port");
  return port;
}

}  // namespace

World::World(WorldOptions options, const std::string& self) : options_(std::move(options)), self_(self) {
  allow_many_descriptors();
  // The kernel may wake a sleeper late, by 50 us usually: that would be in every latency.
  prctl(PR_SET_TIMERSLACK, 1);
  std::filesystem::remove_all(options_.directory);
  std::filesystem::create_directories(options_.directory);
  const std::string upstream = std::to_string(upstream_.port());
  relay_ = std::make_unique<ChildProcess>(std::vector<std::string>{self, "relay", upstream}, options_.measured_core);
  relay_port_ = parse_port(relay_->read_line("port "));
  server_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{options_.server, "serve", "--listen", "127.0.0.1:0", "--data",
                               options_.directory + "/data", "--workers", "1", "--model", "bench", "--jwt-secret",
                               secret_, "--upstream", "http://127.0.0.1:" + upstream + "/v1"},
      options_.measured_core, options_.directory + "/log");
  server_port_ = parse_port(server_->read_line("listening on http://127.0.0.1:"));
  pin_to_core(options_.load_core);
}

World::~World() {
  server_.reset();
  std::error_code ignored;  // a left-over directory spoils no figure
  std::filesystem::remove_all(options_.directory, ignored);
}

int64_t World::store_bytes(size_t messages, size_t question_bytes) const {
  const std::string directory = options_.directory + "/store";
  ChildProcess process({self_, "store", directory, std::to_string(messages), std::to_string(question_bytes)},
                       options_.measured_core);
  const std::string text = process.read_line("bytes ");
  int64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc()) give_up("the store says no number");
  return bytes;
}

bool World::run_until(const std::function<bool()>& is_reached, int64_t until_ns) {
  while (!is_reached()) {
    if (now_ns() >= until_ns) return false;
    upstream_.send_due();
    poller_.wait(std::min(upstream_.next_due_ns(), until_ns));
  }
  return true;
}

void run_relay(uint16_t upstream_port) {
  allow_many_descriptors();
  Poller poller;
  ByteRelay relay(poller, upstream_port);
  std::printf("port %u\n", unsigned{relay.port()});
  std::fflush(stdout);
  for (;;) {
    poller.wait(now_ns() + 1'000'000'000);
    relay.sweep();
  }
}

}  // namespace bobbin::bench
