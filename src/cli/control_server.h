#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "src/base/result.h"
#include "src/cli/control_protocol.h"

namespace bobbin::cli {

// Serves DATA/control.sock (control_protocol.h) on one thread of its own, one request at a time, at low priority: its
// commands block for as long as they need. Only the user of this process, and root, are answered.
//
// Made after the store, whose lock says that a socket which is already there is a dead server's; destroyed before it.
class ControlServer {
 public:
  // Does one command, on the server's thread; ends soon once the watch says that nobody wants it any more.
  using Handler = std::function<Result<ToolAnswer>(const ControlRequest&, store::Watch&)>;

  // Errors: io: the socket cannot be made.
  static Result<std::unique_ptr<ControlServer>> start(const std::string& data, Handler handler);
  // Ends promptly, also in the middle of a command, which is then cancelled. The socket is removed.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Client;
  explicit ControlServer(Handler handler) : handler_(std::move(handler)) {}
  Result<void> listen(const std::string& data);
  void run() noexcept;
  void serve(Client& client);

  const Handler handler_;
  int directory_fd_ = -1;
  int listen_fd_ = -1;
  int wake_fd_ = -1;  // readable: end
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace bobbin::cli
