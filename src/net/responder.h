#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bobbin::net {

class Connection;
class HttpServer;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A whole answer.
//
// `headers` are those beyond Date, Server, Content-Type, Content-Length and Connection, which the connection writes.
// Names and values are the handler's: it puts nothing from a client there that it has not checked; a CR, LF or NUL in
// one is a bug and asserted.
struct Response {
  uint16_t status = 200;
  std::string_view content_type{};  // a literal; empty: no Content-Type
  HeaderList headers{};
  std::string body{};
  std::string_view static_body{};  // when `body` is empty: bytes that live as long as the process, sent without a copy
};

// The head of a stream; the body follows by write().
struct StreamHead {
  uint16_t status = 200;
  std::string_view content_type{};
  HeaderList headers{};
};

enum class WriteState : uint8_t {
  ok,    // on its way
  slow,  // taken, but more than the soft mark waits: pause if you can, on_drained() follows
  gone,  // not taken: the client left, or was dropped because a hard limit would have been passed
};

// Learns what becomes of one exchange (see Responder::watch). Unregisters itself when destroyed.
class GoneListener {
 public:
  GoneListener() = default;
  GoneListener(const GoneListener&) = delete;
  GoneListener& operator=(const GoneListener&) = delete;

  // Nothing will be called any more.
  void unwatch() noexcept;

 protected:
  ~GoneListener() { unwatch(); }
  // The connection ended before the answer did: the client left, or was dropped as too slow, or the server closes.
  // Called once, last, from the loop, never inside a call of Responder. May destroy the listener.
  virtual void on_gone() noexcept = 0;
  // After WriteState::slow: half of the soft mark is left. Called from the loop; may write.
  virtual void on_drained() noexcept {}

 private:
  friend class Connection;
  Connection* connection_ = nullptr;
};

// The name of one exchange (a request and its answer): a small value, to be copied at will, that may outlive the
// connection. Every call on an exchange that is over does nothing and says so. The loop's thread only; the server
// outlives it.
//
// Either send(), once; or begin_stream(), write() any number of times, then end().
class Responder {
 public:
  // Names nothing: as if the client had left.
  Responder() = default;

  // The exchange still waits for its answer, or for the end of it.
  [[nodiscard]] bool is_open() const noexcept;

  // Answers. False when nobody is there to read it. To HEAD, the headers alone go out, with the length of the body.
  // Where the body would pass HttpServer::Options::unsent_bytes_max, 503 `overloaded` goes out instead, with the fields
  // that do not describe the body.
  bool send(Response&& response) const;

  // Begins an answer of unknown length: chunked in HTTP/1.1, ended by closing in 1.0.
  bool begin_stream(const StreamHead& head) const;

  // Appends to the stream. All writes of one turn leave together, as one chunk, at the end of the turn. The marks are
  // HttpServer::Options::egress_soft_bytes and egress_hard_bytes, and unsent_bytes_max over all connections.
  [[nodiscard]] WriteState write(std::string_view bytes) const;

  // Ends the stream. False when the client left before.
  bool end() const;

  // Closes the connection at once, so that the client sees an answer that was cut. Not counted as a broken stream.
  void abort() const;

  // `listener` hears of this exchange until it is over; one per exchange. False, and nothing is registered, when it
  // is over already.
  bool watch(GoneListener& listener) const;

 private:
  friend class Connection;
  Responder(HttpServer& server, uint32_t slot, uint32_t generation, uint32_t sequence) noexcept
      : server_(&server), slot_(slot), generation_(generation), sequence_(sequence) {}
  [[nodiscard]] Connection* find() const noexcept;

  HttpServer* server_ = nullptr;
  uint32_t slot_ = 0;
  uint32_t generation_ = 0;
  uint32_t sequence_ = 0;  // of the request on its connection
};

}  // namespace bobbin::net
