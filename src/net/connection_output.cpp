#include "proto_http/response_writer.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/metrics.h"
#include "src/net/connection.h"
#include "src/net/http_server.h"
#include "src/net/problem.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace bobbin::net {
namespace {

// A body up to this size is copied behind its head, larger ones go out from where they are.
constexpr size_t kBodyCopyBytesMax = 16 * 1024;
// An idle connection keeps buffers up to this size, for the next request.
constexpr size_t kIdleBufferBytesMax = 1024;
static_assert(kBodyCopyBytesMax > sizeof(std::string), "a tail is on the heap: see begin_write()");

// Whether a field of an answer is about its body, and wrong beside another one.
bool describes_body(std::string_view name) noexcept {
  static constexpr std::string_view kNames[] = {"Accept-Ranges", "Cache-Control", "ETag",
                                                "Last-Modified", "Location",      "Retry-After"};
  const std::string_view start = name.substr(0, 8);
  return http::equals_ignoring_case(start, "Content-") ||
         std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view known) { return http::equals_ignoring_case(name, known); });
}

// What goes out where `refused` has no room.
Response make_overloaded(Response&& refused) {
  Response problem = make_problem(503, code_name(Code::overloaded), "too many answers wait for slow readers");
  problem.headers = std::move(refused.headers);
  std::erase_if(problem.headers, [](const auto& header) { return describes_body(header.first); });
  problem.headers.emplace_back("Cache-Control", "no-store");
  problem.headers.emplace_back("Retry-After", "1");
  return problem;
}

bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

// Clearing, and assigning an empty one, would keep the memory.
void free_memory(std::string& buffer) noexcept { std::string().swap(buffer); }

// What is left of `bytes` after the first `written` of this and earlier parts; `written` becomes what is left of it.
std::string_view skip(std::string_view bytes, size_t& written) noexcept {
  const size_t skipped = bytes.size() < written ? bytes.size() : written;
  written -= skipped;
  return bytes.substr(skipped);
}

struct Buffers {
  std::array<uv_buf_t, 2> list;
  unsigned count = 0;
  void add(std::string_view bytes) noexcept {
    // libuv does not write to it.
    if (!bytes.empty())
      list[count++] = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  }
};

}  // namespace

void Connection::append_head(int status, std::string_view content_type, const HeaderList& headers,
                             http::Framing framing, uint64_t content_length) noexcept {
  // What is asked of us after the end of input cannot arrive; and a drain wants an end.
  if (server_.draining_ || (input_ended_ && waiting_.empty())) keep_alive_ = false;
  auto& fields = server_.fields_;
  fields.clear();
  fields.push_back({"Server", "bobbin"});
  if (!content_type.empty()) fields.push_back({"Content-Type", content_type});
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  const size_t own_end = fields.size();
  for (const http::HeaderField& common : server_.options_.common_fields) {
    const bool is_given = std::any_of(
        fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(own_end), [&](const http::HeaderField& own) {
          return own.name.size() == common.name.size() && http::equals_ignoring_case(own.name, common.name);
        });
    if (!is_given) fields.push_back(common);
  }
  http::append_response_head(out_, {.status = status,
                                    .headers = fields,
                                    .framing = framing,
                                    .content_length = content_length,
                                    .keep_alive = keep_alive_,
                                    .client_minor_version = minor_version_,
                                    .date = server_.date()});
  metrics::add(metrics::Counter::http_requests);
  if (status >= 500) {
    metrics::add(metrics::Counter::http_errors_5xx);
  } else if (status >= 400) {
    metrics::add(metrics::Counter::http_errors_4xx);
  }
}

void Connection::send(Response&& response) noexcept {
  BOBBIN_ASSERT(state_ == State::handling);
  if (!head_only_ && !may_hold(response.body.size())) {
    log::warn("answer refused: too many bytes wait for slow readers",
              {{"peer", peer_.to_string()}, {"bytes", response.body.size()}, {"waiting", server_.unsent_bytes_}});
    return answer(make_overloaded(std::move(response)));
  }
  answer(std::move(response));
}

bool Connection::may_hold(size_t bytes) const noexcept {
  const HttpServer::Options& options = server_.options_;
  return unsent_bytes_ + bytes <= options.unsent_bytes_always_allowed ||
         server_.unsent_bytes_ + bytes <= options.unsent_bytes_max;
}

void Connection::count_unsent() noexcept {
  size_t bytes = out_.size() + tail_owner_.size() + piece_.size();
  if (sending_ != nullptr) bytes += sending_->bytes.size() + sending_->tail.size();
  BOBBIN_ASSERT(server_.unsent_bytes_ >= unsent_bytes_);
  server_.unsent_bytes_ += bytes - unsent_bytes_;  // modulo 2^64, so that a loss is one as well
  unsent_bytes_ = bytes;
}

void Connection::answer(Response&& response) noexcept {
  BOBBIN_ASSERT(tail_.empty());
  const bool owned = !response.body.empty();
  const std::string_view body = owned ? std::string_view(response.body) : response.static_body;
  const bool bodyless = has_no_body(response.status);
  BOBBIN_ASSERT(!bodyless || body.empty());
  append_head(response.status, response.content_type, response.headers,
              bodyless ? http::Framing::none : http::Framing::length, body.size());
  if (!head_only_) {
    if (body.size() <= kBodyCopyBytesMax) {
      out_.append(body);
    } else if (owned) {
      tail_owner_ = std::move(response.body);
      tail_ = tail_owner_;
    } else {
      tail_ = body;
    }
  }
  finish_exchange();
}

bool Connection::begin_stream(const StreamHead& head) noexcept {
  BOBBIN_ASSERT(state_ == State::handling);
  BOBBIN_ASSERT(!has_no_body(head.status));
  state_ = State::streaming;
  if (input_ended_) {
    // See on_end_of_input().
    close(Code::closed);
    return false;
  }
  chunked_ = minor_version_ >= 1;
  if (!chunked_) keep_alive_ = false;
  append_head(head.status, head.content_type, head.headers,
              chunked_ ? http::Framing::chunked : http::Framing::until_close, 0);
  count_unsent();
  server_.loop_.at_turn_end(*this);
  return true;
}

WriteState Connection::write(std::string_view bytes) noexcept {
  BOBBIN_ASSERT(state_ == State::streaming);
  if (head_only_ || bytes.empty()) return WriteState::ok;
  const HttpServer::Options& options = server_.options_;
  // A producer of much does not wait for the end of the turn: what the kernel takes need not be kept.
  if (waiting_bytes() + bytes.size() > options.egress_soft_bytes || !may_hold(bytes.size())) flush();
  if (state_ == State::closing) return WriteState::gone;
  if (waiting_bytes() + bytes.size() > options.egress_hard_bytes || !may_hold(bytes.size())) {
    close(Code::overloaded);
    return WriteState::gone;
  }
  piece_.append(bytes);
  count_unsent();
  server_.loop_.at_turn_end(*this);
  if (waiting_bytes() <= options.egress_soft_bytes) return WriteState::ok;
  told_slow_ = true;
  return WriteState::slow;
}

void Connection::end_stream() noexcept {
  BOBBIN_ASSERT(state_ == State::streaming);
  append_stream_piece();
  if (chunked_ && !head_only_) http::append_last_chunk(out_);
  finish_exchange();
}

void Connection::watch(GoneListener& listener) noexcept {
  BOBBIN_ASSERT(gone_listener_ == nullptr && listener.connection_ == nullptr);
  gone_listener_ = &listener;
  listener.connection_ = this;
}

void Connection::append_stream_piece() noexcept {
  if (piece_.empty()) return;
  if (chunked_) {
    http::append_chunk(out_, piece_);
  } else {
    out_.append(piece_);
  }
  free_memory(piece_);
}

void Connection::finish_exchange() noexcept {
  if (gone_listener_ != nullptr) gone_listener_->connection_ = nullptr;
  gone_listener_ = nullptr;
  told_slow_ = false;
  state_ = keep_alive_ ? State::idle : State::lingering;
  if (sending_ == nullptr) set_state_deadline();
  count_unsent();
  server_.loop_.at_turn_end(*this);
}

void Connection::flush() noexcept {
  if (state_ == State::closing || sending_ != nullptr) return;
  append_stream_piece();
  if (tls_ != nullptr) return flush_sealed();
  Buffers buffers;
  buffers.add(out_);
  buffers.add(tail_);
  if (buffers.count == 0) return;
  int written = uv_try_write(stream(), buffers.list.data(), buffers.count);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0) return close(Code::closed);
  if (static_cast<size_t>(written) < out_.size() + tail_.size()) return begin_write(static_cast<size_t>(written));
  // Until the next piece of a stream there may be a while, and there are many streams.
  state_ == State::streaming ? free_memory(out_) : out_.clear();
  tail_ = {};
  free_memory(tail_owner_);
  count_unsent();
}

void Connection::begin_write(size_t written) noexcept {
  auto sending = std::make_unique<Sending>();
  sending->request.data = this;
  sending->bytes.swap(out_);
  Buffers buffers;
  buffers.add(skip(sending->bytes, written));
  if (tls_ == nullptr) {
    buffers.add(skip(tail_, written));
    // The next answer may come while this is under way: it finds these free. A move keeps the bytes where they are, as
    // they are too many to be inside the string itself.
    sending->tail = std::move(tail_owner_);
    tail_owner_.clear();
    tail_ = {};
  }
  if (uv_write(&sending->request, stream(), buffers.list.data(), buffers.count, on_written) != 0)
    return close(Code::closed);
  sending_ = std::move(sending);
  count_unsent();
  stalled_bytes_ = uv_stream_get_write_queue_size(stream());
  if (!is_fresh()) set_deadline(server_.write_stall_timeout_ms());
}

void Connection::on_written(uv_write_t* request, int status) noexcept {
  auto* self = static_cast<Connection*>(request->data);
  self->sending_.reset();
  self->count_unsent();
  if (self->state_ == State::closing) return;
  if (status != 0) return self->close(Code::closed);
  // While this was under way the rest of a body had to wait for us.
  if (self->state_ == State::body) self->begin_body_rate();
  if (!self->is_fresh()) self->set_state_deadline();
  self->settle();
}

size_t Connection::waiting_bytes() const noexcept {
  return out_.size() + piece_.size() + uv_stream_get_write_queue_size(stream());
}

bool Connection::is_output_empty() const noexcept {
  return out_.empty() && piece_.empty() && tail_.empty() && sending_ == nullptr;
}

void Connection::settle() noexcept {
  flush();
  while (!waiting_.empty() && can_parse()) {
    parse_waiting();
    flush();
  }
  if (told_slow_ && waiting_bytes() <= server_.options_.egress_soft_bytes / 2) {
    told_slow_ = false;
    if (gone_listener_ != nullptr) gone_listener_->on_drained();
  }
  if (state_ == State::closing || !is_output_empty()) return;
  if (state_ == State::lingering) return begin_linger();
  const bool awaits_input = state_ == State::idle || state_ == State::head || state_ == State::body;
  if (awaits_input && input_ended_) return close(Code::closed);
  const bool is_silent = state_ == State::handshake && tls_ == nullptr && waiting_.empty();
  if (state_ != State::idle && !is_silent) return;
  if (server_.draining_ && !has_unread_input()) return close(Code::draining);
  release_memory();
}

void Connection::begin_linger() noexcept {
  if (input_ended_) return close(reason_);
  // Closing with input unread would reset the connection, and the answer could be lost on its way.
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(&tcp_), &fd) != 0 || ::shutdown(fd, SHUT_WR) != 0) return close(reason_);
  waiting_.clear();
  waiting_at_ = 0;
  set_deadline(server_.options_.linger_timeout_ms);
  set_reading(true);
}

void Connection::release_memory() noexcept {
  if (out_.capacity() > kIdleBufferBytesMax) free_memory(out_);
  if (waiting_.empty() && waiting_.capacity() > kIdleBufferBytesMax) free_memory(waiting_);
}

}  // namespace bobbin::net
