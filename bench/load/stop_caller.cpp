#include "bench/load/stop_caller.h"

#include <array>

#include "bench/load/wire.h"
#include "src/base/assert.h"

namespace bobbin::bench {

void StopCaller::ask(const std::string& thread, const std::string& bearer) {
  BOBBIN_ASSERT(is_answered_);
  request_.clear();
  append_stop_request(request_, thread, bearer);
  parser_.reset(http::RequestKind::normal);
  sent_ns_ = 0;
  is_answered_ = false;
  socket_ = Socket::connect(port_);
  poller_.add(socket_.fd(), EPOLLOUT, *this);
}

void StopCaller::on_ready(uint32_t) noexcept {
  if (sent_ns_ == 0) {
    sent_ns_ = now_ns();
    if (socket_.send(request_) != request_.size()) return answered(0);
    poller_.change(socket_.fd(), EPOLLIN, *this);
    return;
  }
  static std::array<char, size_t{16} * 1024> buffer;
  auto bytes = socket_.receive(buffer.data(), buffer.size());
  if (!bytes) return answered(0);
  for (;;) {
    switch (parser_.next(*bytes)) {
      case http::Event::need_more: return;
      case http::Event::error: return answered(0);
      case http::Event::complete: return answered(parser_.head().status());
      default: break;
    }
  }
}

void StopCaller::answered(int status) {
  status_ = status;
  is_answered_ = true;
  close();
}

void StopCaller::close() {
  if (!socket_.is_open()) return;
  poller_.remove(socket_.fd(), *this);
  socket_.close();
}

}  // namespace bobbin::bench
