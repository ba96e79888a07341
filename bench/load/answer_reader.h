#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bench/load/stream_check.h"
#include "bench/load/wire.h"
#include "proto_http/response_parser.h"
#include "proto_http/sse_reader.h"

namespace bobbin::bench {

// Reads one streamed answer from its bytes, in any pieces, and checks it.
class AnswerReader {
 public:
  // Is told of each token as soon as it has been read.
  class Listener {
   public:
    virtual void on_token(int64_t number) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // `listener` outlives it. `step` as in StreamCheck.
  AnswerReader(Dialect dialect, int64_t step, Listener& listener);

  void feed(std::string_view bytes);
  // The connection has ended.
  void close();

  [[nodiscard]] const StreamCheck& check() const noexcept { return check_; }
  // Nothing more is expected: the stream and its framing are whole, or the stream is not.
  [[nodiscard]] bool is_over() const noexcept { return is_whole_ || check_.fault() != Fault::none; }

 private:
  void read_events(std::string_view bytes);
  void on_bobbin_event(const http::SseEvent& event);
  void on_model_event(const http::SseEvent& event);
  void on_token(int64_t number);

  const Dialect dialect_;
  Listener& listener_;
  StreamCheck check_;
  http::ResponseParser parser_{http::RequestKind::normal};
  http::SseReader events_;
  std::optional<uint64_t> claimed_tokens_;  // Dialect::model: stands in an event of its own
  bool is_whole_ = false;
};

}  // namespace bobbin::bench
