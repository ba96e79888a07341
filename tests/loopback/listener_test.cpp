// Proves the listener's side: a busy port is found although workers share theirs, addresses of both families, clear
// errors.
#include "src/net/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

#include "src/base/metrics.h"
#include "src/net/slot_table.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

TEST_CASE(a_port_in_use_by_a_server_like_ours_is_found) {
  LoopbackServer server;
  const auto second = net::probe_address("127.0.0.1", server.port());
  CHECK(!second.has_value());
  CHECK(second.error().code == Code::io);
  CHECK_EQ(second.error().number, EADDRINUSE);
  CHECK_EQ(std::string(second.error().detail), "address already in use");
}

TEST_CASE(a_port_that_a_starting_server_holds_is_found) {
  for (const char* host : {"127.0.0.1", "::1", "0.0.0.0", "::"}) {
    const net::BoundAddress first = CHECK_OK(net::probe_address(host, 0));
    const auto second = net::probe_address(host, first.port());
    CHECK(!second.has_value());
    CHECK_EQ(second.error().number, EADDRINUSE);
  }
}

TEST_CASE(a_held_address_on_every_interface_is_found_from_one_of_them) {
  const net::BoundAddress first = CHECK_OK(net::probe_address("0.0.0.0", 0));
  CHECK_FAILS(net::probe_address("127.0.0.1", first.port()), Code::io);
}

TEST_CASE(a_held_port_that_is_given_up_is_free) {
  uint16_t port = 0;
  {
    net::BoundAddress held = CHECK_OK(net::probe_address("127.0.0.1", 0));
    port = held.port();
    const net::BoundAddress moved = std::move(held);
    CHECK_FAILS(net::probe_address("127.0.0.1", port), Code::io);
  }
  CHECK_EQ(CHECK_OK(net::probe_address("127.0.0.1", port)).port(), port);
}

// Threads stand for processes: the kernel judges sockets, not who owns them.
TEST_CASE(of_servers_that_start_together_one_gets_the_port_at_most) {
  const uint16_t port = CHECK_OK(net::probe_address("127.0.0.1", 0)).port();
  int rounds_won = 0;
  for (int round = 0; round < 100; ++round) {
    constexpr int kProbes = 4;
    std::barrier together(kProbes);
    std::atomic<int> gained = 0;
    std::vector<std::thread> probes;
    for (int i = 0; i < kProbes; ++i) {
      probes.emplace_back([&] {
        together.arrive_and_wait();
        const auto address = net::probe_address("127.0.0.1", port);
        if (address) ++gained;
        together.arrive_and_wait();  // who has it holds it until all have tried
      });
    }
    for (std::thread& probe : probes) probe.join();
    CHECK(gained <= 1);
    rounds_won += gained;
  }
  CHECK(rounds_won > 0);
}

TEST_CASE(a_port_is_free_again_after_the_server_though_connections_linger) {
  uint16_t port = 0;
  {
    LoopbackServer server;
    port = server.port();
    const ConnId conn = server.connect();
    server.send(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK_EQ(server.answer(conn).status, 200);
    CHECK(server.saw_end(conn));
  }
  const net::BoundAddress held = CHECK_OK(net::probe_address("127.0.0.1", port));
  CHECK_EQ(held.port(), port);
  CHECK_FAILS(net::probe_address("127.0.0.1", port), Code::io);
}

TEST_CASE(workers_share_a_port_that_stays_closed_to_others) {
  struct Nobody : net::RequestHandler {
    void on_request(net::Request&&, net::Responder) noexcept override {}
  } nobody;
  Loop loop;
  net::HttpServer first(loop, {}, nobody);
  net::HttpServer second(loop, {}, nobody);
  uint16_t port = 0;
  {
    const net::BoundAddress address = CHECK_OK(net::probe_address("127.0.0.1", 0));
    CHECK(first.listen(address).has_value());
    CHECK_FAILS(net::probe_address("127.0.0.1", address.port()), Code::io);
    CHECK(second.listen(address).has_value());
    CHECK_FAILS(net::probe_address("127.0.0.1", address.port()), Code::io);
    port = address.port();
  }
  CHECK_FAILS(net::probe_address("127.0.0.1", port), Code::io);
  first.begin_drain();
  second.begin_drain();
  loop.close();
  loop.run();
  CHECK(first.closed().is_done());
  CHECK(second.closed().is_done());
}

TEST_CASE(addresses_print_as_in_a_url) {
  const net::BoundAddress v4 = CHECK_OK(net::probe_address("127.0.0.1", 0));
  CHECK(v4.port() != 0);
  CHECK_EQ(v4.to_string(), "127.0.0.1:" + std::to_string(v4.port()));
  const net::BoundAddress v6 = CHECK_OK(net::probe_address("::1", 0));
  CHECK_EQ(v6.to_string(), "[::1]:" + std::to_string(v6.port()));
  CHECK_EQ(v6.address().host(), "::1");
}

TEST_CASE(unusable_addresses_have_clear_errors) {
  CHECK_FAILS(net::probe_address("no-such-host.invalid", 0), Code::invalid);
  CHECK_FAILS(net::probe_address("", 0), Code::invalid);
  const auto foreign = net::probe_address("192.0.2.1", 0);
  CHECK(!foreign.has_value());
  CHECK_EQ(foreign.error().number, EADDRNOTAVAIL);
  CHECK_EQ(std::string(foreign.error().detail), "not an address of this machine");
}

TEST_CASE(without_file_descriptors_clients_are_turned_away_and_later_served) {
  // Opens descriptors until there are none; gives them back at the end.
  struct Hunger {
    rlimit before{};
    std::vector<int> held;
    Hunger() {
      ::getrlimit(RLIMIT_NOFILE, &before);
      const rlimit few{.rlim_cur = 200, .rlim_max = before.rlim_max};
      ::setrlimit(RLIMIT_NOFILE, &few);
      for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.push_back(fd);
    }
    ~Hunger() {
      for (const int fd : held) ::close(fd);
      ::setrlimit(RLIMIT_NOFILE, &before);
    }
  };
  LoopbackServer server;
  const ConnId served = server.connect();
  const ConnId first = server.connect_unseen();
  const ConnId second = server.connect_unseen();
  {
    const Hunger hunger;
    const uint64_t refused_before = metrics::read(metrics::Counter::connections_refused);
    CHECK(server.saw_end(first));
    CHECK(server.saw_end(second));
    CHECK_EQ(metrics::read(metrics::Counter::connections_refused), refused_before + 2);
    server.send(served, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(server.answer(served).status, 200);
  }
  const ConnId later = server.connect();
  server.send(later, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_EQ(server.answer(later).status, 200);
}

TEST_CASE(a_name_of_a_slot_does_not_reach_its_next_tenant) {
  net::SlotTable<int> table;
  int first = 1;
  int second = 2;
  const net::SlotName name = table.insert(first);
  CHECK(table.find(name) == &first);
  table.remove(name);
  CHECK(table.find(name) == nullptr);
  const net::SlotName next = table.insert(second);
  CHECK_EQ(next.slot, name.slot);
  CHECK(table.find(name) == nullptr);
  CHECK(table.find(next) == &second);
  CHECK(table.find({99, 1}) == nullptr);
  CHECK(table.find({}) == nullptr);
  CHECK_EQ(table.count(), 1u);
}
