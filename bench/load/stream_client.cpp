#include "bench/load/stream_client.h"

#include <utility>

#include "bench/load/answer_reader.h"
#include "bench/load/give_up.h"
#include "bench/load/socket.h"
#include "src/auth/token_mint.h"
#include "src/base/clock.h"

namespace bobbin::bench {

// One request, and the answer as it comes.
class StreamClient::Stream final : public Pollable, private AnswerReader::Listener {
 public:
  Stream(StreamClient& client, uint64_t number)
      : client_(client),
        socket_(Socket::connect(client.plan_.port)),
        reader_(client.plan_.dialect, client.plan_.step, *this) {
    const StreamPlan& plan = client_.plan_;
    append_stream_request(request_, {.dialect = plan.dialect,
                                     .stream = number,
                                     .thread = client_.thread_of(number),
                                     .bearer = make_bearer(plan.secret, user_of(number)),
                                     .question_bytes = plan.question_bytes});
    client_.poller_.add(socket_.fd(), EPOLLOUT, *this);
  }
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

 private:
  void on_ready(uint32_t events) noexcept override {
    if (!request_.empty() && (events & EPOLLOUT) != 0) return send_request();
    static std::array<char, size_t{64} * 1024> buffer;
    const auto bytes = socket_.receive(buffer.data(), buffer.size());
    if (bytes) {
      read_ns_ = now_ns();
      reader_.feed(*bytes);
    } else {
      reader_.close();
    }
    if (reader_.is_over()) end();
  }

  // On a socket that has just connected, so that the kernel has room for all of it.
  void send_request() {
    const auto sent = socket_.send(request_);
    if (!sent || *sent != request_.size()) {
      reader_.close();
      return end();
    }
    std::string().swap(request_);
    client_.poller_.change(socket_.fd(), EPOLLIN, *this);
  }

  void on_token(int64_t number) noexcept override {
    ++client_.counts_.tokens;
    begin();
    if (!client_.plan_.is_paced) return;
    const int64_t due_ns = number * 1000;
    if (due_ns >= client_.window_from_ns_ && due_ns < client_.window_until_ns_)
      client_.latency_.record(read_ns_ - due_ns);
  }

  void begin() {
    if (!std::exchange(has_begun_, true)) ++client_.counts_.begun;
  }
  void end() {
    begin();
    ++client_.counts_.over;
    ++client_.counts_.faults[static_cast<size_t>(reader_.check().fault())];
    close();
  }
  void close() {
    if (!socket_.is_open()) return;
    client_.poller_.remove(socket_.fd(), *this);
    socket_.close();
  }

  StreamClient& client_;
  Socket socket_;
  std::string request_;  // until it is sent
  AnswerReader reader_;
  int64_t read_ns_ = 0;  // when the bytes being looked at were read
  bool has_begun_ = false;
};

StreamClient::StreamClient(Poller& poller, StreamPlan plan) : poller_(poller), plan_(std::move(plan)) {}

StreamClient::~StreamClient() = default;

void StreamClient::open_some(size_t unbegun_max) {
  while (counts_.opened < plan_.streams && counts_.opened - counts_.begun < unbegun_max)
    streams_.push_back(std::make_unique<Stream>(*this, counts_.opened++));
}

std::string StreamClient::thread_of(uint64_t stream) const { return plan_.round + '-' + std::to_string(stream); }

void StreamClient::set_window(int64_t from_ns, int64_t until_ns) noexcept {
  window_from_ns_ = from_ns;
  window_until_ns_ = until_ns;
}

std::string make_bearer(const std::string& secret, const std::string& user) {
  const auto token = auth::mint_token(secret, {.user = user}, wall_now_us() / 1'000'000);
  if (!token) give_up("a user's token cannot be made");
  return *token;
}

std::string user_of(uint64_t stream) { return "bench-" + std::to_string(stream); }

}  // namespace bobbin::bench
