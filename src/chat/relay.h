#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/chat/subscriber.h"
#include "src/loop/completion.h"
#include "src/loop/loop.h"

// A reader on another worker than its run: events cross in rounds, and no more than kRelayBytesMax wait in between,
// however slow the reader is.
//
//   run's loop:     Run → RelayWriter (a Subscriber) → RelayPipe
//   reader's loop:  RelayPipe → RelayReader (an EventSource) → the client's Subscriber
namespace bobbin::chat {

class RelayReader;
class RelayWriter;

inline constexpr size_t kRelayBytesMax = 64 * 1024;

// What both ends share. Each end is touched by its own loop only; what is between is under the mutex.
class RelayPipe : public std::enable_shared_from_this<RelayPipe> {
 public:
  explicit RelayPipe(Loop& reader_loop) : reader_loop_(reader_loop), to_reader_(*this), to_writer_(*this) {}

 private:
  friend class RelayReader;
  friend class RelayWriter;
  enum class Stage : uint8_t {
    asking,
    lost,      // the run was not where it was looked for
    attached,  // events come
    ended,     // no more events come
  };
  struct Rounds {
    std::string json;
    std::vector<uint64_t> ids;
    std::vector<size_t> ends;  // in `json`
  };
  // News for one of the ends; holds the pipe while it is on its way.
  struct News final : Mail {
    explicit News(RelayPipe& pipe_in) : pipe(pipe_in) {}
    void deliver() noexcept override;
    RelayPipe& pipe;
    std::shared_ptr<RelayPipe> on_its_way;  // under the mutex
  };

  // Under the mutex; nothing where the news is on its way already, or nobody is there.
  void tell_reader() noexcept;
  void tell_writer() noexcept;

  Loop& reader_loop_;
  RelayReader* reader_ = nullptr;  // the reader's loop alone
  RelayWriter* writer_ = nullptr;  // the run's loop alone

  std::mutex mutex_;  // over all below
  Loop* writer_loop_ = nullptr;
  bool reader_is_there_ = true;
  bool writer_waits_ = false;  // for room
  Stage stage_ = Stage::asking;
  Rounds rounds_;
  News to_reader_;
  News to_writer_;
};

// The run's end. On the run's loop.
class RelayWriter final : public Subscriber {
 public:
  RelayWriter(std::shared_ptr<RelayPipe> pipe, Loop& loop);
  ~RelayWriter() override;

  Appetite on_events(std::span<const Event> events) noexcept override;
  void on_end() noexcept override;

  // In place of a writer: the run is not here.
  static void tell_lost(RelayPipe& pipe) noexcept;

 private:
  friend class RelayPipe;
  void on_news() noexcept;

  std::shared_ptr<RelayPipe> pipe_;
};

// The reader's end. On the reader's loop.
class RelayReader final : private EventSource {
 public:
  // `on_done` is called once, last, when the stream has ended or its client has left, unless the run was lost: it may
  // destroy the reader.
  RelayReader(Loop& loop, std::unique_ptr<Subscriber> subscriber, std::function<void(RelayReader&)> on_done);
  // Ends the stream where it has not ended.
  ~RelayReader();

  [[nodiscard]] const std::shared_ptr<RelayPipe>& pipe() const noexcept { return pipe_; }
  // Complete when the other end has said whether the run is there.
  Completion& answered() noexcept { return answered_; }
  // After answered(): the run was not there; nothing was handed out. Take the subscriber back.
  [[nodiscard]] bool is_lost() const noexcept { return is_lost_; }
  std::unique_ptr<Subscriber> take_subscriber() noexcept { return std::move(subscriber_); }

 private:
  friend class RelayPipe;
  void on_news() noexcept;
  void on_hungry(Subscriber& subscriber) noexcept override;
  void on_gone(Subscriber& subscriber) noexcept override;
  void pass_on() noexcept;
  void finish() noexcept;

  std::shared_ptr<RelayPipe> pipe_;
  std::unique_ptr<Subscriber> subscriber_;
  std::function<void(RelayReader&)> on_done_;
  Completion answered_;
  bool is_lost_ = false;
  bool is_hungry_ = true;
};

}  // namespace bobbin::chat
