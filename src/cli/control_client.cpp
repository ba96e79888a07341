#include "src/cli/control_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bobbin::cli {
namespace {

// How often a client that waits looks whether it was interrupted.
constexpr int kPollMs = 200;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  const int fd_;
};

ControlReply complain(std::string text) { return {std::nullopt, std::move(text)}; }

ControlReply cannot_reach(int why) {
  return complain(std::string("the data directory is in use, and its server cannot be asked: ") + strerrordesc_np(why));
}

void pass_on(const ControlLine::Step& step, store::Watch& watch) {
  // The words live as long as this call, which is all that a watch may count on.
  watch.on_progress({step.stage.c_str(), step.done, step.total, step.unit.c_str()});
}

}  // namespace

bool is_served(const std::string& data) {
  const Descriptor lock(open((data + "/lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (lock.get() < 0) return false;
  return flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

ControlReply ask_server(const std::string& data, const ControlRequest& request, store::Watch& watch) {
  const Descriptor directory(open(data.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Descriptor peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (directory.get() < 0 || peer.get() < 0) return cannot_reach(errno);
  sockaddr_un address{};
  if (!control_address(data, directory.get(), address)) return cannot_reach(ENAMETOOLONG);
  if (connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return cannot_reach(errno);
  const std::string line = format_control_request(request);
  if (send(peer.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return cannot_reach(errno);
  }
  std::string received;
  for (;;) {
    if (const size_t end = received.find('\n'); end != std::string::npos) {
      auto parsed = parse_control_line(std::string_view(received).substr(0, end));
      if (!parsed) return complain(parsed.error().detail);
      if (parsed->answer) return {std::move(parsed->answer), {}};
      if (parsed->complaint) return complain(std::move(*parsed->complaint));
      pass_on(*parsed->progress, watch);
      received.erase(0, end + 1);
      continue;
    }
    pollfd waiting{.fd = peer.get(), .events = POLLIN, .revents = 0};
    poll(&waiting, 1, kPollMs);
    if (watch.is_cancelled()) return complain("cancelled");
    if (waiting.revents == 0) continue;
    std::array<char, 16 * 1024> buffer;
    const ssize_t count = recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return complain("the server ended before the command did");
    received.append(buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace bobbin::cli
