#include "src/net/dialer.h"

#include <algorithm>
#include <cstring>

#include "src/base/assert.h"

namespace bobbin::net {

// On the heap, because a lookup that a pool thread has begun cannot be stopped, only left alone.
struct Dialer::Lookup {
  uv_getaddrinfo_t request;
  Dialer* dialer;  // null once nobody waits
  Gate* gate;

  static void on_done(uv_getaddrinfo_t* request, int status, addrinfo* found) noexcept {
    auto* self = static_cast<Lookup*>(request->data);
    Gate& gate = *self->gate;
    if (Dialer* dialer = self->dialer; dialer != nullptr) {
      dialer->lookup_ = nullptr;
      dialer->on_looked_up(status, found);
    }
    uv_freeaddrinfo(found);
    delete self;
    gate.leave();
  }
};

Dialer::~Dialer() {
  if (lookup_ == nullptr) return;
  lookup_->dialer = nullptr;
  // Fails when a thread has it already; the callback comes either way.
  uv_cancel(reinterpret_cast<uv_req_t*>(&lookup_->request));
}

Result<void> Dialer::begin(Target target) {
  BOBBIN_ASSERT(lookup_ == nullptr && addresses_.empty());
  target_ = std::move(target);
  if (is_ip_literal(target_.host)) {
    TRY(add_literal(target_.host));
    if (try_next()) return {};
    return fail(*last_error_);
  }
  auto lookup = std::make_unique<Lookup>();
  lookup->request.data = lookup.get();
  lookup->dialer = this;
  lookup->gate = &gate_;
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop_.uv(), &lookup->request, &Lookup::on_done, target_.host.c_str(), nullptr, &hints);
  if (status != 0) return fail(lookup_error(status));
  gate_.enter();
  lookup_ = lookup.release();
  return {};
}

Result<void> Dialer::add_literal(const std::string& host) {
  Address address = {};
  int status = uv_ip4_addr(host.c_str(), target_.port, &address.v4);
  if (status != 0) status = uv_ip6_addr(host.c_str(), target_.port, &address.v6);
  if (status != 0) return fail(lookup_error(status));
  addresses_.push_back(address);
  return {};
}

void Dialer::take_addresses(const addrinfo* found) {
  for (const addrinfo* entry = found; entry != nullptr && addresses_.size() < kAddressesMax; entry = entry->ai_next) {
    Address address = {};
    if (entry->ai_family == AF_INET && entry->ai_addrlen >= sizeof address.v4) {
      std::memcpy(&address.v4, entry->ai_addr, sizeof address.v4);
      address.v4.sin_port = htons(target_.port);
    } else if (entry->ai_family == AF_INET6 && entry->ai_addrlen >= sizeof address.v6) {
      std::memcpy(&address.v6, entry->ai_addr, sizeof address.v6);
      address.v6.sin6_port = htons(target_.port);
    } else {
      continue;
    }
    addresses_.push_back(address);
  }
  // The resolver's order within a family, the families in turn: a host with many addresses of a family that does not
  // work here is not tried to the end first.
  for (size_t place = 1; place < addresses_.size(); ++place) {
    const auto previous_family = addresses_[place - 1].any.sa_family;
    const auto other = std::find_if(addresses_.begin() + static_cast<ptrdiff_t>(place), addresses_.end(),
                                    [&](const Address& a) { return a.any.sa_family != previous_family; });
    if (other == addresses_.end()) break;
    std::rotate(addresses_.begin() + static_cast<ptrdiff_t>(place), other, other + 1);
  }
}

void Dialer::on_looked_up(int status, const addrinfo* found) noexcept {
  if (status == 0) take_addresses(found);
  if (addresses_.empty()) {
    user_.on_dial_failed(lookup_error(status != 0 ? status : UV_EAI_NODATA));
    return;
  }
  go_on();
}

void Dialer::go_on() noexcept {
  if (try_next() || !attempts_.empty()) return;
  disarm();
  user_.on_dial_failed(*last_error_);
}

bool Dialer::try_next() noexcept {
  while (next_address_ < addresses_.size()) {
    const Address& address = addresses_[next_address_++];
    if (target_.policy != nullptr && !target_.policy(address.any)) {
      // What the network said about another address says more.
      if (!last_error_) last_error_ = Error(Code::forbidden, 0, "connections to this address are not allowed");
      continue;
    }
    auto attempt = begin_connect(address);
    if (!attempt) {
      last_error_ = attempt.error();
      continue;
    }
    attempts_.push_back(std::move(*attempt));
    if (next_address_ < addresses_.size()) arm(loop_.timers(), loop_.now_ms() + kNextAddressMs);
    return true;
  }
  return false;
}

Result<TcpSocketPtr> Dialer::begin_connect(const Address& address) {
  TRY_ASSIGN(TcpSocketPtr socket, make_tcp_socket(loop_.uv(), gate_, this));
  socket->connect = std::make_unique<uv_connect_t>();
  socket->connect->data = socket.get();
  const int status =
      uv_tcp_connect(socket->connect.get(), &socket->tcp, &address.any, [](uv_connect_t* request, int result) {
        auto* connected = static_cast<TcpSocket*>(request->data);
        connected->connect.reset();
        // Closed meanwhile: libuv reports UV_ECANCELED, nobody asks.
        if (connected->owner != nullptr) static_cast<Dialer*>(connected->owner)->on_connected(connected, result);
      });
  if (status != 0) return fail(network_error(status));
  return socket;
}

void Dialer::on_timer() noexcept { go_on(); }

void Dialer::on_connected(TcpSocket* socket, int status) noexcept {
  const auto attempt =
      std::find_if(attempts_.begin(), attempts_.end(), [&](const TcpSocketPtr& a) { return a.get() == socket; });
  BOBBIN_ASSERT(attempt != attempts_.end());
  TcpSocketPtr connected = std::move(*attempt);
  attempts_.erase(attempt);
  if (status != 0) {
    last_error_ = network_error(status);
    connected.reset();
    go_on();
    return;
  }
  disarm();
  attempts_.clear();
  user_.on_dialled(std::move(connected));
}

}  // namespace bobbin::net
