#include "bench/load/paced_upstream.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "bench/load/wire.h"
#include "proto_http/request_parser.h"

namespace bobbin::bench {
namespace {

// Where in the interval the answer `stream` ticks: the golden ratio spreads any number of them evenly.
int64_t phase_us(uint64_t stream, int64_t interval_us) {
  const double turns = static_cast<double>(stream) * 0.6180339887498949;
  return static_cast<int64_t>((turns - static_cast<double>(static_cast<int64_t>(turns))) *
                              static_cast<double>(interval_us));
}

}  // namespace

// One connection, and the answer that is given on it.
class PacedUpstream::Speaker final : public Pollable {
 public:
  Speaker(PacedUpstream& upstream, uint64_t name, Socket socket)
      : upstream_(upstream), name_(name), socket_(std::move(socket)) {
    upstream_.poller_.add(socket_.fd(), EPOLLIN, *this);
  }
  ~Speaker() { upstream_.poller_.remove(socket_.fd(), *this); }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // The token that was due at `due_us`. False: the answer is over.
  bool speak(int64_t due_us) {
    if (!is_speaking_) return false;
    bytes_.clear();
    append_token(bytes_, due_us);
    ++tokens_;
    return say() && is_speaking_;
  }
  void end_answer() {
    if (!is_speaking_) return;
    bytes_.clear();
    append_answer_end(bytes_, tokens_);
    is_speaking_ = false;
    send();
  }

 private:
  void on_ready(uint32_t events) noexcept override {
    if ((events & EPOLLOUT) != 0 && !outgoing_.flush(socket_)) return close();
    if ((events & ~uint32_t{EPOLLOUT}) != 0 && !read()) return close();
    if (is_speaking_ && upstream_.pace_.interval_us == 0 && outgoing_.is_empty()) speak_at_once();
    watch();
  }

  // False: the reader is gone.
  bool read() {
    static std::array<char, size_t{16} * 1024> buffer;
    std::optional<std::string_view> input = socket_.receive(buffer.data(), buffer.size());
    if (!input) return false;
    for (;;) {
      switch (parser_.next(*input)) {
        case http::Event::need_more: return true;
        case http::Event::error: return false;
        case http::Event::head: body_.clear(); break;
        case http::Event::body: body_.append(parser_.body_piece()); break;
        case http::Event::complete: begin_answer(); break;
      }
    }
  }

  void begin_answer() {
    bytes_.clear();
    const std::optional<uint64_t> stream = stream_in(body_);
    if (!stream) {
      append_not_found(bytes_);
      send();
      return;
    }
    append_answer_head(bytes_);
    stream_ = *stream;
    tokens_ = 0;
    is_speaking_ = true;
    send();
    const int64_t interval_us = upstream_.pace_.interval_us;
    if (interval_us == 0) return;
    const int64_t now_us = now_ns() / 1000;
    int64_t due_us = now_us - now_us % interval_us + phase_us(stream_, interval_us);
    if (due_us <= now_us) due_us += interval_us;
    upstream_.remember(due_us, name_);
  }

  // As much as one send takes; the next follows when there is room again.
  void speak_at_once() {
    bytes_.clear();
    for (uint32_t i = 0; i < upstream_.pace_.tokens_per_send && tokens_ < upstream_.pace_.tokens; ++i)
      append_token(bytes_, static_cast<int64_t>(tokens_++));
    say();
  }

  // Sends `bytes_`, and the end where that was the last token. False: the reader is gone.
  bool say() {
    if (upstream_.pace_.tokens != 0 && tokens_ == upstream_.pace_.tokens) {
      append_answer_end(bytes_, tokens_);
      is_speaking_ = false;
    }
    return send();
  }
  bool send() {
    const bool is_sent = outgoing_.send(socket_, bytes_);
    watch();
    return is_sent;  // where not, the socket is readable now, and close() follows there
  }

  void watch() {
    const bool has_more = !outgoing_.is_empty() || (is_speaking_ && upstream_.pace_.interval_us == 0);
    const uint32_t events = EPOLLIN | (has_more ? uint32_t{EPOLLOUT} : 0);
    if (events != watched_) upstream_.poller_.change(socket_.fd(), events, *this);
    watched_ = events;
  }

  void close() {
    if (is_speaking_) upstream_.closed_ns_.insert_or_assign(stream_, now_ns());
    upstream_.remove(name_);  // the last touch
  }

  PacedUpstream& upstream_;
  const uint64_t name_;
  const Socket socket_;
  Outgoing outgoing_;
  uint32_t watched_ = EPOLLIN;
  http::RequestParser parser_;
  std::string body_;
  std::string bytes_;  // what is being sent: keeps its memory
  uint64_t stream_ = 0;
  uint64_t tokens_ = 0;  // of the answer, so far
  bool is_speaking_ = false;
};

PacedUpstream::PacedUpstream(Poller& poller) : poller_(poller) { poller_.add(listener_.fd(), EPOLLIN, *this); }

PacedUpstream::~PacedUpstream() { poller_.remove(listener_.fd(), *this); }

void PacedUpstream::set_pace(const Pace& pace) {
  pace_ = pace;
  dues_.clear();
  closed_ns_.clear();
}

void PacedUpstream::on_ready(uint32_t) noexcept {
  while (std::optional<Socket> socket = listener_.accept()) {
    const uint64_t name = ++last_speaker_;
    speakers_.emplace(name, std::make_unique<Speaker>(*this, name, std::move(*socket)));
  }
}

void PacedUpstream::remember(int64_t at_us, uint64_t speaker) {
  dues_.push_back({at_us, speaker});
  std::push_heap(dues_.begin(), dues_.end(), std::greater<>());
}

void PacedUpstream::remove(uint64_t speaker) { speakers_.erase(speaker); }

int64_t PacedUpstream::next_due_ns() const noexcept { return dues_.empty() ? INT64_MAX : dues_.front().at_us * 1000; }

void PacedUpstream::send_due() {
  // One look at the clock: sockets are read in between also where this falls behind.
  const int64_t now = now_ns();
  while (next_due_ns() <= now) {
    std::pop_heap(dues_.begin(), dues_.end(), std::greater<>());
    const Due due = dues_.back();
    dues_.pop_back();
    const auto found = speakers_.find(due.speaker);
    if (found != speakers_.end() && found->second->speak(due.at_us))
      remember(due.at_us + pace_.interval_us, due.speaker);
  }
}

void PacedUpstream::end_answers() {
  for (const auto& [name, speaker] : speakers_) speaker->end_answer();
}

std::optional<int64_t> PacedUpstream::closed_ns(uint64_t stream) const {
  const auto found = closed_ns_.find(stream);
  if (found == closed_ns_.end()) return std::nullopt;
  return found->second;
}

}  // namespace bobbin::bench
