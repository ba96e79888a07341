#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/loop/loop.h"
#include "src/net/http_server.h"
#include "src/net/tls.h"

namespace bobbin::test {

// One answer as a client sees it.
struct Answer {
  int status = 0;
  std::string head;  // status line and fields, each with its CRLF
  std::string body;  // decoded
  std::vector<std::string> chunks;
  bool is_complete = false;

  // The value of a field, by its name as written; empty when absent.
  [[nodiscard]] std::string field(std::string_view name) const;
};

// Reads the first answer off `bytes` by a reader of its own (not that of proto_http). Not complete: more bytes are
// needed; `bytes` is then unchanged.
Answer take_answer(std::string& bytes, bool to_head_request = false);

// Number of a client of LoopbackServer.
using ConnId = size_t;

// A real HttpServer on a real socket of the loopback interface, with clients beside it and a clock that stands still
// until it is moved. Everything runs inside the calls of this class, on the caller's thread; nothing waits for time.
class LoopbackServer : private net::RequestHandler {
 public:
  using Handler = std::function<void(net::Request&&, net::Responder)>;

  // Without a handler: 200, text/plain, "METHOD target body".
  explicit LoopbackServer(const net::HttpServer::Options& options = {}, Handler handler = {});
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  // A new client. `receive_buffer_bytes` makes one whose kernel takes little.
  ConnId connect(int receive_buffer_bytes = 0);
  // A new client that speaks TLS, after its handshake: send() and received() are then about what is inside. The server
  // has to be one of `localhost` for `context`.
  ConnId connect_tls(const net::TlsContext& context, int receive_buffer_bytes = 0);
  // The server has said goodbye to that client, so that what came is whole.
  bool saw_goodbye(ConnId id);
  // Says goodbye to the server; what it still sends can be received.
  void say_goodbye(ConnId id);
  // The same, but the server has no turn to notice.
  ConnId connect_unseen(int receive_buffer_bytes = 0);
  // Whether a connection to the server's port can be made (it is closed again).
  bool can_connect();
  // Sends all of `bytes` and lets the server work.
  void send(ConnId id, std::string_view bytes);
  // Sends `bytes`, which the kernel must take at once, without a turn of the server.
  void send_unseen(ConnId id, std::string_view bytes);
  // What has arrived and was not yet taken by answer(); more may be added to it by any call.
  std::string& received(ConnId id) { return clients_.at(id).received; }
  // Waits for the next answer.
  Answer answer(ConnId id, bool to_head_request = false);
  // The server has ended its side.
  bool saw_end(ConnId id);
  // No longer takes bytes from the kernel, until resumed.
  void pause(ConnId id) { clients_.at(id).paused = true; }
  void resume(ConnId id) { clients_.at(id).paused = false; }
  // Ends the client's sending side; ends the connection; ends it by a reset.
  void shut_sending(ConnId id);
  void disconnect(ConnId id);
  void reset(ConnId id);

  // Moves the clock, fires what is due and lets the server work.
  void advance_ms(uint64_t ms);
  // Some turns of the loop: as many as it takes for what was sent to have its effects.
  void settle();
  // Turns of the loop until `condition` holds; false when it does not within far more than it needs.
  bool run_until(const std::function<bool()>& condition);

  // What the handler adds to answers that connections give by themselves.
  using CommonHeaders = std::function<void(const http::RequestHead*, net::HeaderList&)>;
  void set_common_headers(CommonHeaders append) { common_headers_ = std::move(append); }

  // The server's connection has not closed.
  bool is_open(ConnId id) { return !close_reason(id).has_value(); }
  std::optional<Code> close_reason(ConnId id);

  // The server, until stop().
  net::HttpServer& server() { return *server_; }
  Loop& loop() { return loop_; }
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] size_t request_count() const { return request_count_; }

 private:
  struct Client {
    int fd = -1;
    uint16_t port = 0;
    std::string received;
    std::unique_ptr<net::TlsStream> tls;
    bool paused = false;
    bool ended = false;
  };
  void on_request(net::Request&& request, net::Responder responder) noexcept override;
  void on_connection_closed(const net::SocketAddress& peer, Code reason) noexcept override;
  void append_common_headers(const http::RequestHead* head, net::HeaderList& headers) noexcept override;
  void turn();
  static void receive(Client& client);
  void send_wire(ConnId id, std::string_view bytes);
  int connect_socket(int receive_buffer_bytes, uint16_t& client_port);

  Loop loop_{Loop::Options{.manual_clock = true}};
  Handler handler_;
  CommonHeaders common_headers_;
  std::unique_ptr<net::HttpServer> server_;
  std::vector<Client> clients_;
  std::map<uint16_t, Code> closed_;  // by the client's port
  size_t request_count_ = 0;
  uint16_t port_ = 0;
};

}  // namespace bobbin::test
