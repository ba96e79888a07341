#include "src/chat/relay.h"

#include "src/base/assert.h"

namespace bobbin::chat {

void RelayPipe::tell_reader() noexcept {
  if (!reader_is_there_ || to_reader_.on_its_way) return;
  to_reader_.on_its_way = shared_from_this();
  // Under the mutex: a reader that leaves before takes its loop along only after.
  reader_loop_.mailbox().post(to_reader_);
}

void RelayPipe::tell_writer() noexcept {
  if (writer_loop_ == nullptr || to_writer_.on_its_way) return;
  to_writer_.on_its_way = shared_from_this();
  writer_loop_->mailbox().post(to_writer_);
}

void RelayPipe::News::deliver() noexcept {
  std::shared_ptr<RelayPipe> held;
  {
    const std::lock_guard lock(pipe.mutex_);
    held = std::move(on_its_way);
  }
  if (this == &pipe.to_reader_) {
    if (pipe.reader_ != nullptr) pipe.reader_->on_news();
  } else {
    if (pipe.writer_ != nullptr) pipe.writer_->on_news();
  }
}

RelayWriter::RelayWriter(std::shared_ptr<RelayPipe> pipe, Loop& loop) : pipe_(std::move(pipe)) {
  pipe_->writer_ = this;
  const std::lock_guard lock(pipe_->mutex_);
  pipe_->writer_loop_ = &loop;
  pipe_->stage_ = RelayPipe::Stage::attached;
  pipe_->tell_reader();
}

RelayWriter::~RelayWriter() {
  pipe_->writer_ = nullptr;
  const std::lock_guard lock(pipe_->mutex_);
  pipe_->writer_loop_ = nullptr;
  if (pipe_->stage_ == RelayPipe::Stage::ended) return;
  pipe_->stage_ = RelayPipe::Stage::ended;
  pipe_->tell_reader();
}

Appetite RelayWriter::on_events(std::span<const Event> events) noexcept {
  const std::lock_guard lock(pipe_->mutex_);
  if (!pipe_->reader_is_there_) return Appetite::gone;
  RelayPipe::Rounds& rounds = pipe_->rounds_;
  for (const Event& event : events) {
    rounds.json.append(event.json);
    rounds.ids.push_back(event.id);
    rounds.ends.push_back(rounds.json.size());
  }
  pipe_->tell_reader();
  pipe_->writer_waits_ = rounds.json.size() >= kRelayBytesMax;
  return pipe_->writer_waits_ ? Appetite::enough : Appetite::more;
}

void RelayWriter::on_end() noexcept {
  const std::lock_guard lock(pipe_->mutex_);
  pipe_->stage_ = RelayPipe::Stage::ended;
  pipe_->tell_reader();
}

void RelayWriter::on_news() noexcept {
  bool is_gone = false;
  bool has_room = false;
  {
    const std::lock_guard lock(pipe_->mutex_);
    is_gone = !pipe_->reader_is_there_;
    has_room = pipe_->writer_waits_ && pipe_->rounds_.json.size() < kRelayBytesMax;
    if (has_room) pipe_->writer_waits_ = false;
  }
  if (is_gone) {
    source()->on_gone(*this);
  } else if (has_room) {
    source()->on_hungry(*this);
  }
}

void RelayWriter::tell_lost(RelayPipe& pipe) noexcept {
  const std::lock_guard lock(pipe.mutex_);
  pipe.stage_ = RelayPipe::Stage::lost;
  pipe.tell_reader();
}

RelayReader::RelayReader(Loop& loop, std::unique_ptr<Subscriber> subscriber, std::function<void(RelayReader&)> on_done)
    : pipe_(std::make_shared<RelayPipe>(loop)), subscriber_(std::move(subscriber)), on_done_(std::move(on_done)) {
  pipe_->reader_ = this;
  subscriber_->bind(*this);
}

RelayReader::~RelayReader() {
  pipe_->reader_ = nullptr;
  {
    const std::lock_guard lock(pipe_->mutex_);
    pipe_->reader_is_there_ = false;
    pipe_->tell_writer();
  }
  if (subscriber_) subscriber_->on_end();
}

void RelayReader::on_news() noexcept {
  if (!answered_.is_done()) {
    bool is_lost = false;
    {
      const std::lock_guard lock(pipe_->mutex_);
      is_lost = is_lost_ = pipe_->stage_ == RelayPipe::Stage::lost;
    }
    answered_.complete();
    if (is_lost) return;  // the waiter has taken all of this away
  }
  if (is_hungry_) pass_on();
}

void RelayReader::pass_on() noexcept {
  RelayPipe::Rounds rounds;
  bool is_ended = false;
  {
    const std::lock_guard lock(pipe_->mutex_);
    std::swap(rounds, pipe_->rounds_);
    is_ended = pipe_->stage_ == RelayPipe::Stage::ended;
    if (pipe_->writer_waits_) pipe_->tell_writer();
  }
  if (!rounds.ids.empty()) {
    std::vector<Event> events;
    events.reserve(rounds.ids.size());
    size_t from = 0;
    for (size_t i = 0; i < rounds.ids.size(); ++i) {
      events.push_back({rounds.ids[i], std::string_view(rounds.json).substr(from, rounds.ends[i] - from)});
      from = rounds.ends[i];
    }
    const Appetite appetite = subscriber_->on_events(events);
    is_hungry_ = appetite == Appetite::more;
    if (appetite == Appetite::gone) {
      subscriber_.reset();
      return finish();
    }
  }
  // All that came before the end has been passed on, slow reader or not.
  if (is_ended) finish();
}

void RelayReader::on_hungry(Subscriber&) noexcept {
  is_hungry_ = true;
  pass_on();
}

void RelayReader::on_gone(Subscriber&) noexcept {
  subscriber_.reset();
  finish();
}

void RelayReader::finish() noexcept {
  if (subscriber_) std::exchange(subscriber_, nullptr)->on_end();
  const auto on_done = std::move(on_done_);
  on_done(*this);  // the last touch
}

}  // namespace bobbin::chat
