#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/tools/toolbox.h"
#include "tests/unit/net/client_world.h"

// What the tests of tools stand on: a server on real loopback sockets that answers by a function, and calls of tools on
// the same stepped loop. One thread, a manual clock.
namespace bobbin::tools::test {

struct Request {
  std::string method;
  std::string target;
  std::string head;  // all of it
  std::string body;

  // The value of the first field of that name, compared with case; empty when there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
};

class RouteServer {
 public:
  // The bytes of the whole answer; empty: none, and the connection stays open; kHangUp: none, and it is closed.
  using Handler = std::function<std::string(const Request&)>;

  static constexpr const char* kHangUp = "hang up";

  explicit RouteServer(Handler handler);
  ~RouteServer();
  RouteServer(const RouteServer&) = delete;
  RouteServer& operator=(const RouteServer&) = delete;

  // Takes what has come and answers it.
  void pump();

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "") const;
  std::vector<Request> requests;  // in their order
  Handler handler;

 private:
  struct Peer {
    int fd;
    std::string received = {};
    std::string unsent = {};
    bool closes = false;  // once all is sent
  };
  void answer(Peer& peer);
  static void send_waiting(Peer& peer);

  int fd_;
  uint16_t port_ = 0;
  std::vector<Peer> peers_;
};

// `HTTP/1.1 STATUS`, the fields (each with its CRLF) and the body with its length.
std::string answer(const std::string& status, const std::string& body,
                   const std::string& fields = "Content-Type: application/json\r\n");

// Statuses as they came.
struct Statuses final : ToolProgress {
  std::vector<std::string> lines;
  void on_status(std::string_view text) noexcept override { lines.emplace_back(text); }
};

// A toolbox on a World, and servers that are served while a call is waited for.
class ToolWorld {
 public:
  ToolWorld() = default;
  // Closes the toolbox.
  ~ToolWorld();
  ToolWorld(const ToolWorld&) = delete;
  ToolWorld& operator=(const ToolWorld&) = delete;

  ToolResult call(const std::string& name, const std::string& arguments);
  std::vector<ToolSpec> specs();

  // A call that goes on while the test does something.
  struct Running {
    CancelScope scope;
    Statuses statuses;
    std::optional<ToolResult> result;
  };
  Running& begin(const std::string& name, const std::string& arguments);
  template <class Condition>
  void until(Condition condition) {
    world.until([&] {
      for (RouteServer* server : servers) server->pump();
      return condition();
    });
  }
  void close();

  net::test::World world;
  Toolbox toolbox{world.loop};
  std::vector<RouteServer*> servers;
  std::vector<std::string> statuses;  // of the last call()

 private:
  Gate gate_;
  std::vector<std::unique_ptr<Running>> running_;
  bool is_closed_ = false;
};

}  // namespace bobbin::tools::test
