// The control socket: whose it is, what it takes, and that it ends at once in the middle of a command. The commands
// here are the test's own; those of the store are in tests/e2e/backup.test.mjs.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "src/base/log.h"
#include "src/cli/control_client.h"
#include "src/cli/control_server.h"
#include "tests/support/test.h"

namespace bobbin::cli {
namespace {

class DataDirectory {
 public:
  explicit DataDirectory(size_t path_bytes_min = 0) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bobbin-control-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = path_ = pattern;
    while (path_.size() < path_bytes_min) path_ += "/" + std::string(50, 'd');
    std::filesystem::create_directories(path_);
  }
  ~DataDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string socket() const { return path_ + "/control.sock"; }

 private:
  std::string root_;
  std::string path_;
};

Result<ToolAnswer> answer_at_once(const ControlRequest& request, store::Watch&) {
  return ToolAnswer{"{\"to\":\"" + request.backup.to + "\"}", "said\n", 1};
}

// Works until nobody wants it, and says when it began and how it ended.
class LongWork {
 public:
  ControlServer::Handler handler() {
    return [this](const ControlRequest&, store::Watch& watch) -> Result<ToolAnswer> {
      move_to(1);
      // Bounded, so that a fault ends as a failed check: each round is a system call.
      for (uint64_t round = 0; round < 100'000'000 && !watch.is_cancelled(); ++round) {
        watch.on_progress({"working", round, 0, "rows"});
      }
      const bool cancelled = watch.is_cancelled();
      move_to(cancelled ? 2 : 3);
      return fail(Code::cancelled, 0, "cancelled");
    };
  }
  void wait_for(int state) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return state_ >= state; });
  }
  int state() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  void move_to(int state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
    moved_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable moved_;
  int state_ = 0;
};

// A plain client that sends what it is told.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  void say(const std::string& text) const {
    CHECK_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // All up to the end of the connection.
  [[nodiscard]] std::string hear() const {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return text;
      text.append(buffer.data(), static_cast<size_t>(count));
    }
  }

 private:
  int fd_;
};

store::Watch no_watch;
const ControlRequest kDoctor;

TEST_CASE(a_request_is_answered_also_below_a_very_long_path) {
  for (const size_t bytes : {size_t{0}, size_t{107}, size_t{200}, size_t{1000}}) {
    const DataDirectory data(bytes);
    const auto server = CHECK_OK(ControlServer::start(data.path(), answer_at_once));
    struct stat info {};
    CHECK_EQ(stat(data.socket().c_str(), &info), 0);
    CHECK_EQ(info.st_mode & 0777, 0600u);
    for (int round = 0; round < 3; ++round) {
      ControlRequest request;
      request.command = ControlRequest::Command::backup;
      request.backup.to = "/somewhere";
      const ControlReply reply = ask_server(data.path(), request, no_watch);
      CHECK_EQ(reply.complaint, "");
      CHECK_EQ(reply.answer->json, "{\"to\":\"/somewhere\"}");
      CHECK_EQ(reply.answer->text, "said\n");
      CHECK_EQ(reply.answer->exit_code, 1);
    }
  }
}

TEST_CASE(a_dead_servers_socket_is_replaced_and_an_ended_ones_is_gone) {
  const DataDirectory data;
  {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    CHECK(control_address(data.path(), -1, address));
    CHECK_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(fd);
  }
  CHECK(ask_server(data.path(), kDoctor, no_watch).complaint.find("Connection refused") != std::string::npos);
  {
    const auto server = CHECK_OK(ControlServer::start(data.path(), answer_at_once));
    CHECK(ask_server(data.path(), kDoctor, no_watch).answer.has_value());
  }
  CHECK(!std::filesystem::exists(data.socket()));
}

TEST_CASE(the_end_cancels_a_command_that_is_under_way) {
  const DataDirectory data;
  LongWork work;
  auto server = CHECK_OK(ControlServer::start(data.path(), work.handler()));
  const RawClient client(data.socket());
  client.say(format_control_request(kDoctor));
  work.wait_for(1);
  server.reset();
  CHECK_EQ(work.state(), 2);
}

TEST_CASE(a_client_that_hangs_up_cancels_its_command) {
  const DataDirectory data;
  LongWork work;
  const auto server = CHECK_OK(ControlServer::start(data.path(), work.handler()));
  {
    const RawClient client(data.socket());
    client.say(format_control_request(kDoctor));
    work.wait_for(1);
  }
  work.wait_for(2);
  CHECK_EQ(work.state(), 2);
}

TEST_CASE(an_interrupted_client_hears_of_progress_and_leaves) {
  struct Impatient final : store::Watch {
    bool is_cancelled() noexcept override { return heard; }
    void on_progress(const store::Progress& progress) noexcept override {
      heard = std::string_view(progress.stage) == "working" && std::string_view(progress.unit) == "rows";
    }
    bool heard = false;
  } impatient;
  const DataDirectory data;
  LongWork work;
  const auto server = CHECK_OK(ControlServer::start(data.path(), work.handler()));
  CHECK_EQ(ask_server(data.path(), kDoctor, impatient).complaint, "cancelled");
  work.wait_for(2);
  CHECK_EQ(work.state(), 2);
}

TEST_CASE(the_end_does_not_wait_for_a_client_that_says_nothing) {
  const DataDirectory data;
  auto server = CHECK_OK(ControlServer::start(data.path(), answer_at_once));
  const RawClient client(data.socket());
  client.say("{\"command\":");
  server.reset();
  CHECK(client.hear().find("the server is ending") != std::string::npos ||
        client.hear().empty());  // it may not have been accepted yet
}

TEST_CASE(what_is_no_request_is_refused) {
  const DataDirectory data;
  const auto server = CHECK_OK(ControlServer::start(data.path(), answer_at_once));
  const std::pair<std::string, const char*> cases[] = {
      {"nonsense\n", "malformed"},
      {"[]\n", "malformed"},
      {"{\"command\":\"dance\"}\n", "invalid"},
      {"{\"command\":\"doctor\",\"to\":\"/x\"}\n", "invalid"},
      {"{\"command\":\"backup\",\"to\":\"relative\"}\n", "invalid"},
      {"{\"command\":\"backup\",\"to\":\"/x\",\"keep\":-1}\n", "invalid"},
      {"{\"command\":\"backup\",\"to\":\"/x\",\"repair\":true}\n", "invalid"},
      {std::string(100'000, 'x'), "too_large"},
  };
  for (const auto& [line, code] : cases) {
    const RawClient client(data.socket());
    client.say(line);
    const std::string answer = client.hear();
    if (answer.find(std::string("\"code\":\"") + code + "\"") == std::string::npos) CHECK_EQ(answer, code);
  }
  CHECK(ask_server(data.path(), kDoctor, no_watch).answer.has_value());
}

TEST_CASE(requests_and_lines_survive_the_way) {
  ControlRequest request;
  request.command = ControlRequest::Command::backup;
  request.backup = {.to = "/a \"b\"", .with_secret = true, .verify = true, .keep = 7};
  std::string line = format_control_request(request);
  CHECK(line.ends_with('\n'));
  line.pop_back();
  const ControlRequest parsed = CHECK_OK(parse_control_request(line));
  CHECK(parsed.command == request.command);
  CHECK_EQ(parsed.backup.to, request.backup.to);
  CHECK_EQ(parsed.backup.keep, 7u);
  CHECK(parsed.backup.with_secret && parsed.backup.verify);

  const ControlLine progress = CHECK_OK(parse_control_line(format_control_progress({"copying", 1, 2, "bytes"})));
  CHECK(progress.progress && progress.progress->stage == "copying" && progress.progress->total == 2);
  const ControlLine refused =
      CHECK_OK(parse_control_line(format_control_error(Error(Code::storage_full, ENOSPC, "the disk is full"))));
  CHECK_EQ(*refused.complaint, "the disk is full (No space left on device)");
  CHECK_FAILS(parse_control_line("{\"else\":1}"), Code::malformed);
}

TEST_CASE(a_directory_is_served_while_somebody_holds_its_lock) {
  const DataDirectory data;
  CHECK(!is_served(data.path()));
  const int fd = open((data.path() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(!is_served(data.path()));
  CHECK_EQ(flock(fd, LOCK_EX), 0);
  CHECK(is_served(data.path()));
  close(fd);
  CHECK(!is_served(data.path()));
}

TEST_CASE(sizes_are_told_in_words) {
  CHECK_EQ(format_bytes(1), "1 byte");
  CHECK_EQ(format_bytes(1023), "1023 bytes");
  CHECK_EQ(format_bytes(1536), "1.5 KiB");
  CHECK_EQ(format_bytes(uint64_t{3} << 30), "3.0 GiB");
}

}  // namespace
}  // namespace bobbin::cli
