#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/loop/gate.h"
#include "src/loop/loop.h"
#include "src/net/http_client.h"
#include "tests/support/test.h"

// What the tests of the outbound client stand on: a client on a loop with a manual clock, and scripted servers on real
// loopback sockets. Everything on one thread: whoever waits steps the loop, so there is no race and no sleep.
namespace bobbin::net::test {

// One call and what became of it.
struct Exchange {
  Exchange(HttpClient& client, HttpCallOptions options) : call(client, std::move(options), scope) {}

  CancelScope scope;
  HttpCall call;
  std::optional<http::ResponseHead> head;
  std::optional<Error> error;
  std::string body;
  size_t pieces = 0;
  size_t largest_piece_bytes = 0;
  bool done = false;
  // A slow consumer reads once for each permit.
  bool is_slow = false;
  Completion permit;
  void allow_one_read();
  void allow_all_reads();
};

class World {
 public:
  explicit World(HttpClientOptions options = {});
  // Closes the client and runs the loop to its end: every test also proves that nothing is left behind.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Exchange& start(HttpCallOptions options, bool is_slow = false);
  // Starts a GET and waits for its end.
  Exchange& get(const std::string& url);
  // Ends the exchange, so that its HttpCall is destroyed.
  void forget(Exchange& exchange);

  // Steps the loop until `condition` holds; a failed check after a minute.
  template <class Condition>
  void until(Condition condition) {
    const uint64_t give_up_ns = uv_hrtime() + 60'000'000'000;
    while (!condition()) {
      step();
      if (uv_hrtime() > give_up_ns) throw bobbin::test::Failure("waited in vain");
    }
  }
  void finish(Exchange& exchange) {
    until([&] { return exchange.done; });
  }
  // A few turns, enough for what is ready now.
  void settle();
  void step();

  Loop loop{{.manual_clock = true}};
  std::optional<HttpClient> client;
  bool is_closing = false;  // the test itself has called begin_close()

 private:
  Gate gate_;
  std::list<std::unique_ptr<Exchange>> exchanges_;
};

HttpCallOptions get_options(const std::string& url);

// The server's end of one connection. With TLS its bytes go through memory, so that they can be sent in any pieces.
class PeerConnection {
 public:
  PeerConnection(World& world, int fd);
  PeerConnection(PeerConnection&& other) noexcept;
  ~PeerConnection();

  // Handshakes as a server; `context` is an SSL_CTX*. False when it failed. For `piece_bytes` see send().
  bool begin_tls(void* context, size_t piece_bytes = 0);
  // What the client sent up to and including `end`.
  std::string read_until(std::string_view end);
  // One request with its body, by Content-Length.
  std::string read_request();
  // Sends all of it, stepping the loop when the socket is full. `piece_bytes`: in pieces of the wire of that size, a
  // few turns of the loop after each.
  void send(std::string_view bytes, size_t piece_bytes = 0);
  // Sends what fits into the socket now, and says how much.
  size_t send_some(std::string_view bytes);
  void close();
  // Says goodbye in TLS first.
  void close_notify();
  // Ends the connection by RST.
  void reset();
  // Whether the client has closed or reset its end.
  bool is_closed_by_client();

 private:
  void pump_in();
  void send_wire(std::string_view wire, size_t piece_bytes);
  std::string take_tls_output();

  World& world_;
  int fd_;
  void* ssl_ = nullptr;
  std::string received_;
  bool ended_ = false;
};

class PeerListener {
 public:
  explicit PeerListener(World& world, bool is_v6 = false, int backlog = 1024, const char* v4_address = "127.0.0.1",
                        uint16_t port = 0);
  ~PeerListener();
  PeerListener(const PeerListener&) = delete;
  PeerListener& operator=(const PeerListener&) = delete;

  // Steps the loop until a client has come.
  PeerConnection accept();
  bool has_client();
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/") const;
  [[nodiscard]] std::string url_for(const std::string& scheme, const std::string& host) const;

 private:
  World& world_;
  int fd_;
  uint16_t port_ = 0;
  bool is_v6_;
};

// A listener whose queue is full: the kernel answers no further SYN, so a connect hangs.
class FullListener {
 public:
  explicit FullListener(World& world, const char* v4_address = "127.0.0.1");
  ~FullListener();
  PeerListener& listener() { return listener_; }

 private:
  PeerListener listener_;
  std::vector<int> fds_;
};

}  // namespace bobbin::net::test
