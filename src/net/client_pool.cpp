#include "src/net/client_pool.h"

#include <algorithm>

#include "src/base/assert.h"

namespace bobbin::net {
namespace {

// What one read of a socket can take: as much as libuv itself suggests.
constexpr size_t kReadBufferBytes = 64 * 1024;

}  // namespace

class ClientPool::Idle final : private Channel::User, private Timer {
 public:
  Idle(ClientPool& pool, std::unique_ptr<Channel> channel) : pool_(pool), channel_(std::move(channel)) {
    channel_->set_user(*this);
    arm(pool_.loop().timers(), pool_.loop().now_ms() + pool_.options_.pool_idle_timeout_ms);
  }
  [[nodiscard]] const Channel& channel() const noexcept { return *channel_; }
  std::unique_ptr<Channel> take_channel() noexcept { return std::move(channel_); }

 private:
  void on_channel_open() noexcept override { BOBBIN_ASSERT(false); }
  // Bytes nobody asked for, or the end: either way nothing can be asked here any more.
  void on_received(const Received&) noexcept override { pool_.drop(*this); }
  void on_timer() noexcept override { pool_.drop(*this); }

  ClientPool& pool_;
  std::unique_ptr<Channel> channel_;
};

ClientPool::ClientPool(Loop& loop, HttpClientOptions options)
    : options_(std::move(options)),
      context_{.loop = loop,
               .gate = gate_,
               .tls = options_.tls.get(),
               .read_buffer = std::string(kReadBufferBytes, '\0'),
               .plain = {}} {}

ClientPool::~ClientPool() = default;

std::unique_ptr<Channel> ClientPool::take(const Route& route) noexcept {
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                  [&](const std::unique_ptr<Idle>& idle) { return idle->channel().route() == route; });
  if (found == idle_.rend()) return nullptr;
  std::unique_ptr<Channel> channel = (*found)->take_channel();
  idle_.erase(std::next(found).base());
  return channel;
}

void ClientPool::keep(std::unique_ptr<Channel> channel) {
  if (closing_.is_requested() || options_.pool_connections_max == 0) return;
  if (idle_.size() >= options_.pool_connections_max) idle_.erase(idle_.begin());
  idle_.push_back(std::make_unique<Idle>(*this, std::move(channel)));
}

void ClientPool::drop(const Idle& idle) noexcept {
  std::erase_if(idle_, [&](const std::unique_ptr<Idle>& candidate) { return candidate.get() == &idle; });
}

Completion& ClientPool::begin_close() noexcept {
  idle_.clear();
  closing_.request();
  return gate_.close();
}

}  // namespace bobbin::net
