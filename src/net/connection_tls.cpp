// What TLS adds to a connection: bytes off the wire become input, output becomes records.

#include <utility>

#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/net/connection.h"
#include "src/net/current_tls.h"
#include "src/net/http_server.h"

namespace bobbin::net {
namespace {

// So much of a large body is encrypted at a time, two records: it is never in memory twice, and a reader who takes
// nothing of a static body costs no more than this.
constexpr size_t kSealBytesMax = 32 * 1024;
static_assert(kSealBytesMax <= limits::kUnsentBytesAlwaysAllowed);
// Of what the protocol itself has to say to a client that does not read.
constexpr size_t kProtocolBytesMax = 4 * 1024;

// TLS begins with a record of type 22, HTTP with a method.
bool looks_like_http(char first) noexcept { return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'); }

// Whether the first record of a connection is there. What is no TLS is whole at once: OpenSSL has words for it.
bool has_first_record(std::string_view bytes) noexcept {
  constexpr size_t kHeadBytes = 5;
  constexpr size_t kRecordBytesMax = 16 * 1024;
  if (bytes.front() != '\x16' || (bytes.size() > 1 && bytes[1] != '\x03')) return true;
  if (bytes.size() < kHeadBytes) return false;
  const size_t size = (size_t{static_cast<uint8_t>(bytes[3])} << 8) | static_cast<uint8_t>(bytes[4]);
  return size > kRecordBytesMax || bytes.size() >= kHeadBytes + size;
}

}  // namespace

void Connection::on_wire(std::string_view wire) noexcept {
  std::string gathered;
  if (tls_ == nullptr) {
    if (waiting_.empty() && looks_like_http(wire.front())) {
      encrypted_ = false;
      state_ = State::idle;
      return refuse(400, Code::malformed, "this port speaks HTTPS: the address has to begin with https://");
    }
    if (!waiting_.empty() || !has_first_record(wire)) {
      waiting_.append(wire);
      if (!has_first_record(waiting_)) return;
      gathered.swap(waiting_);
      wire = gathered;
    }
    // Made now and not before: it takes 40 KiB, which a connection that says nothing, or a few bytes, does not cost.
    auto made = TlsStream::make_server(*server_.options_.tls->get());
    if (!made) return close(Code::io);
    tls_ = std::move(*made);
    server_.note_handshake(name_);
  }
  std::string& plain = server_.plain_;
  plain.clear();
  const Result<void> received = tls_->receive(wire, plain);
  if (state_ == State::handshake && tls_->is_open()) {
    state_ = State::idle;
    metrics::add(metrics::Counter::tls_handshakes);
  }
  // What came whole before a fault counts, as it would have with the fault in a later read.
  if (!plain.empty()) on_bytes(plain);
  if (state_ == State::closing) return;
  if (!received) return on_tls_fault(received.error());
  if (tls_->is_ended_by_peer()) {
    set_reading(false);
    on_end_of_input();
    if (state_ == State::closing) return;
  }
  if (sending_ != nullptr && tls_->output_bytes() > kProtocolBytesMax) return close(Code::overloaded);
  server_.loop_.at_turn_end(*this);
}

void Connection::on_end_of_wire() noexcept {
  // Anybody on the way can end a TCP stream; only the peer itself can say goodbye in TLS (RFC 8446 §6.1).
  if (state_ == State::lingering) return on_end_of_input();
  input_ended_ = true;
  reading_ = false;
  close(Code::closed);
}

void Connection::on_tls_fault(const Error& error) noexcept {
  if (state_ == State::handshake) metrics::add(metrics::Counter::tls_handshakes_failed);
  log::debug("TLS failed", {{"peer", peer_.to_string()}, {"detail", error.detail}, {"number", error.number}});
  write_farewell(tls_->take_output());  // the alert
  tls_.reset();                         // and no goodbye after it
  close(Code::malformed);
}

void Connection::say_goodbye() noexcept {
  // An answer that is cut must not look whole.
  if (state_ != State::idle || !is_output_empty()) return;
  tls_->end();
  write_farewell(tls_->take_output());
}

void Connection::write_farewell(const std::string& bytes) noexcept {
  if (sending_ != nullptr || bytes.empty()) return;
  // Whether it fits the socket's buffer is the client's luck.
  const uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  uv_try_write(stream(), &buffer, 1);
}

bool Connection::seal() noexcept {
  if (!out_.empty() && !tls_->send(out_)) return false;
  const std::string_view slice = tail_.substr(0, kSealBytesMax);
  if (!slice.empty() && !tls_->send(slice)) return false;
  tail_.remove_prefix(slice.size());
  if (tail_.empty()) std::string().swap(tail_owner_);
  // The goodbye of a last answer leaves with the end of it.
  if (state_ == State::lingering && tail_.empty()) tls_->end();
  out_ = tls_->take_output();
  return true;
}

void Connection::flush_sealed() noexcept {
  do {
    if (!seal()) return close(Code::io);
    if (out_.empty()) return;
    const uv_buf_t buffer = uv_buf_init(out_.data(), static_cast<unsigned>(out_.size()));
    int written = uv_try_write(stream(), &buffer, 1);
    if (written == UV_EAGAIN) written = 0;
    if (written < 0) return close(Code::closed);
    if (static_cast<size_t>(written) < out_.size()) return begin_write(static_cast<size_t>(written));
    std::string().swap(out_);
  } while (!tail_.empty());
  count_unsent();
}

}  // namespace bobbin::net
