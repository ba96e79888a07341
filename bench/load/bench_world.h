#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bench/load/child_process.h"
#include "bench/load/paced_upstream.h"
#include "bench/load/poller.h"
#include "bench/load/wire.h"

namespace bobbin::bench {

struct WorldOptions {
  std::string server;     // path of the server's binary
  std::string directory;  // for its data: made and removed; nothing else is in it
  // The cores of what is measured and of the load. With both on one, each is measured waiting for the other.
  int measured_core = 0;
  int load_core = 1;
};

// Whom streams are opened on.
struct Target {
  const char* name = "";
  Dialect dialect = Dialect::bobbin;
  uint16_t port = 0;
  ChildProcess* process = nullptr;
};

// What one machine has to hold for a measurement: the real server with one worker and the raw relay, each a child on
// the measured core, both in front of the same upstream; which, with the clients, is this process's one thread on the
// other.
class World {
 public:
  // `self` is this program, which is the relay when it is told so (run_relay()).
  World(WorldOptions options, const std::string& self);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  [[nodiscard]] Target server() { return {"bobbin", Dialect::bobbin, server_port_, server_.get()}; }
  [[nodiscard]] Target relay() { return {"relay", Dialect::model, relay_port_, relay_.get()}; }
  [[nodiscard]] Poller& poller() noexcept { return poller_; }
  [[nodiscard]] PacedUpstream& upstream() noexcept { return upstream_; }
  // What users' tokens are signed with.
  [[nodiscard]] const std::string& secret() const noexcept { return secret_; }

  // What the store keeps in memory of `messages` in new threads (store_share.h), measured in a process of its own.
  [[nodiscard]] int64_t store_bytes(size_t messages, size_t question_bytes) const;

  // Lets the load go on until `is_reached` or `until_ns` (now_ns()). False: the time is over.
  bool run_until(const std::function<bool()>& is_reached, int64_t until_ns);

 private:
  const WorldOptions options_;
  const std::string self_;
  const std::string secret_ = "bench-secret-bench-secret-bench-secret";
  Poller poller_;
  PacedUpstream upstream_{poller_};
  std::unique_ptr<ChildProcess> server_;
  std::unique_ptr<ChildProcess> relay_;
  uint16_t server_port_ = 0;
  uint16_t relay_port_ = 0;
};

// The relay as a process: says `port N` and copies until it is killed.
[[noreturn]] void run_relay(uint16_t upstream_port);

}  // namespace bobbin::bench
