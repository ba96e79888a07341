#include "src/cli/control_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "src/base/clock.h"
#include "src/base/log.h"

namespace bobbin::cli {
namespace {

// A request is one line that a program has ready; what dribbles holds the socket up for others.
constexpr int kRequestTimeoutMs = 5'000;
// A client that does not take its answer is gone.
constexpr int kAnswerTimeoutMs = 10'000;
constexpr int64_t kBetweenProgressUs = 100'000;
// Backups and checks take their time; answers do not wait for them.
constexpr int kNice = 10;

}  // namespace

// One connection: reads the request, and is what the command's work asks whether to go on.
class ControlServer::Client final : public store::Watch {
 public:
  Client(int fd, int wake_fd, const std::atomic<bool>& ending) : fd_(fd), wake_fd_(wake_fd), ending_(ending) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() override { close(fd_); }

  // Whoever can connect may already read the directory; this says it once more, where it counts.
  [[nodiscard]] bool is_ours() const {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == geteuid() || peer.uid == 0;
  }

  // Errors: too_large, timeout, closed, cancelled (this process ends).
  Result<std::string> read_line() {
    std::string line;
    const int64_t deadline_us = steady_now_us() + int64_t{kRequestTimeoutMs} * 1000;
    for (;;) {
      if (const size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
      if (line.size() > kControlRequestBytesMax) return fail(Code::too_large, 0, "the request is too long");
      const int64_t left_us = deadline_us - steady_now_us();
      if (left_us <= 0) return fail(Code::timeout, 0, "the request did not come");
      TRY(wait_for(POLLIN, static_cast<int>(left_us / 1000) + 1));
      std::array<char, 4096> buffer;
      const ssize_t count = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count == 0) return fail(Code::closed);
      if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(Code::closed, errno);
      if (count > 0) line.append(buffer.data(), static_cast<size_t>(count));
    }
  }

  // The last line; waits for a client that is slow, for a while.
  void finish(std::string_view line) {
    unsent_.append(line);
    const int64_t deadline_us = steady_now_us() + int64_t{kAnswerTimeoutMs} * 1000;
    while (send_some() && !unsent_.empty()) {
      const int64_t left_us = deadline_us - steady_now_us();
      if (left_us <= 0 || !wait_for(POLLOUT, static_cast<int>(left_us / 1000) + 1)) return;
    }
  }

  bool is_cancelled() noexcept override {
    if (ending_.load(std::memory_order_relaxed)) return true;
    pollfd peer{.fd = fd_, .events = POLLRDHUP, .revents = 0};
    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  // Never waits: lines that a client does not take are left out.
  void on_progress(const store::Progress& progress) noexcept override {
    const int64_t now_us = steady_now_us();
    if (now_us - told_us_ < kBetweenProgressUs) return;
    if (!send_some() || !unsent_.empty()) return;
    told_us_ = now_us;
    unsent_ = format_control_progress(progress);
    send_some();
  }

 private:
  Result<void> wait_for(short events, int timeout_ms) {
    std::array<pollfd, 2> fds{
        {{.fd = fd_, .events = events, .revents = 0}, {.fd = wake_fd_, .events = POLLIN, .revents = 0}}};
    poll(fds.data(), fds.size(), timeout_ms);
    if (fds[1].revents != 0) return fail(Code::cancelled, 0, "the server is ending");
    return {};
  }

  // False: the client is gone.
  bool send_some() {
    while (!unsent_.empty()) {
      const ssize_t count = send(fd_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno == EAGAIN;
      unsent_.erase(0, static_cast<size_t>(count));
    }
    return true;
  }

  const int fd_;
  const int wake_fd_;
  const std::atomic<bool>& ending_;
  std::string unsent_;
  int64_t told_us_ = 0;
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& data, Handler handler) {
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(handler)));
  TRY(server->listen(data));
  server->thread_ = std::thread([raw = server.get()] { raw->run(); });
  return server;
}

Result<void> ControlServer::listen(const std::string& data) {
  const auto cannot = [] { return fail(Code::io, errno, "the control socket cannot be made"); };
  directory_fd_ = open(data.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ < 0) return cannot();
  wake_fd_ = eventfd(0, EFD_CLOEXEC);
  listen_fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (wake_fd_ < 0 || listen_fd_ < 0) return cannot();
  sockaddr_un address{};
  if (!control_address(data, directory_fd_, address)) {
    return fail(Code::io, ENAMETOOLONG, "the control socket cannot be made without /proc");
  }
  // Linux gives the socket's file the mode of the socket: so it has never another one, and umask is left alone.
  if (fchmod(listen_fd_, 0600) != 0) return cannot();
  // The lock is ours: a socket that is there belongs to nobody who lives.
  if (unlinkat(directory_fd_, kControlSocketName, 0) != 0 && errno != ENOENT) return cannot();
  if (bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return cannot();
  if (::listen(listen_fd_, 8) != 0) return cannot();
  return {};
}

ControlServer::~ControlServer() {
  ending_ = true;
  if (thread_.joinable()) {
    const uint64_t one = 1;
    static_cast<void>(write(wake_fd_, &one, sizeof one));  // an eventfd takes it, or the thread is waking already
    thread_.join();
    unlinkat(directory_fd_, kControlSocketName, 0);
  }
  for (const int fd : {listen_fd_, wake_fd_, directory_fd_}) {
    if (fd >= 0) close(fd);
  }
}

void ControlServer::run() noexcept {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  while (!ending_) {
    std::array<pollfd, 2> fds{
        {{.fd = listen_fd_, .events = POLLIN, .revents = 0}, {.fd = wake_fd_, .events = POLLIN, .revents = 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) continue;
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      // Without descriptors the connection stays in the queue, and poll would come back at once.
      if (errno == EMFILE || errno == ENFILE) poll(&fds[1], 1, 1000);
      continue;
    }
    Client client(fd, wake_fd_, ending_);
    if (client.is_ours()) serve(client);
  }
}

void ControlServer::serve(Client& client) {
  const auto line = client.read_line();
  if (!line) {
    if (line.error().code != Code::closed) client.finish(format_control_error(line.error()));
    return;
  }
  const auto request = parse_control_request(*line);
  if (!request) {
    client.finish(format_control_error(request.error()));
    return;
  }
  constexpr std::array<const char*, 3> kNames{"backup", "verify", "doctor"};
  const char* name = kNames[static_cast<size_t>(request->command)];
  const int64_t began_us = steady_now_us();
  const auto answer = handler_(*request, client);
  const int64_t took_ms = (steady_now_us() - began_us) / 1000;
  if (answer) {
    log::info("control", {{"command", name}, {"ms", took_ms}, {"exit_code", answer->exit_code}});
    client.finish(format_control_answer(*answer));
  } else {
    log::warn("control", {{"command", name}, {"ms", took_ms}, {"error", answer.error().detail}});
    client.finish(format_control_error(answer.error()));
  }
}

}  // namespace bobbin::cli
