// Proves the streaming half: chunks, marks for slow readers, and what is told when the client leaves.
#include "src/base/metrics.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class Watcher : public net::GoneListener {
 public:
  int gone_count = 0;
  int drained_count = 0;

 private:
  void on_gone() noexcept override { ++gone_count; }
  void on_drained() noexcept override { ++drained_count; }
};

// A handler that begins a stream and hands it to the test.
struct Streams {
  net::Responder last;
  LoopbackServer::Handler handler() {
    return [this](net::Request&&, net::Responder responder) {
      last = responder;
      responder.begin_stream({.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-cache"}}});
    };
  }
};

uint64_t broken() { return metrics::read(metrics::Counter::streams_broken); }

}  // namespace

TEST_CASE(the_head_of_a_stream_leaves_at_once) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK(server.received(conn).find("text/event-stream") != std::string::npos);
  CHECK(server.received(conn).ends_with("\r\n\r\n"));
}

TEST_CASE(writes_of_one_turn_are_one_chunk) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  CHECK(streams.last.write("one ") == net::WriteState::ok);
  CHECK(streams.last.write("two") == net::WriteState::ok);
  server.settle();
  CHECK(streams.last.write("three") == net::WriteState::ok);
  server.settle();
  CHECK(streams.last.end());
  CHECK(!streams.last.end());
  const Answer answer = server.answer(conn);
  CHECK_EQ(answer.chunks.size(), 2u);
  CHECK_EQ(answer.chunks[0], "one two");
  CHECK_EQ(answer.chunks[1], "three");
  CHECK_EQ(answer.field("Cache-Control"), "no-cache");
}

TEST_CASE(the_connection_is_kept_after_a_stream) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, std::string(kGet) + std::string(kGet));
  const net::Responder first = streams.last;
  CHECK(first.write("a") == net::WriteState::ok);
  CHECK(first.end());
  CHECK_EQ(server.answer(conn).body, "a");
  server.settle();
  CHECK(first.write("late") == net::WriteState::gone);
  CHECK(streams.last.write("b") == net::WriteState::ok);
  CHECK(streams.last.end());
  CHECK_EQ(server.answer(conn).body, "b");
}

TEST_CASE(http_1_0_gets_the_bare_bytes_and_the_end) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(streams.last.write("bare bytes") == net::WriteState::ok);
  server.settle();
  CHECK(streams.last.end());
  CHECK(server.saw_end(conn));
  CHECK_EQ(server.answer(conn).body, "bare bytes");
}

TEST_CASE(a_slow_reader_hits_the_soft_mark_then_the_hard_mark) {
  Streams streams;
  LoopbackServer server({.egress_soft_bytes = 100'000, .egress_hard_bytes = 200'000, .send_buffer_bytes = 8192},
                        streams.handler());
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  server.send(conn, kGet);
  Watcher watcher;
  CHECK(streams.last.watch(watcher));
  const uint64_t broken_before = broken();
  const std::string piece(1'000, 'x');
  net::WriteState state = net::WriteState::ok;
  size_t slow_after = 0;
  size_t written = 0;
  for (; state != net::WriteState::gone && written < 10'000; ++written) {
    state = streams.last.write(piece);
    if (state == net::WriteState::slow && slow_after == 0) slow_after = written;
    if (written % 10 == 0 && state != net::WriteState::gone) server.settle();
  }
  CHECK(slow_after >= 99);
  CHECK(written >= slow_after + 95);
  CHECK(written <= slow_after + 105);
  CHECK(!streams.last.is_open());
  CHECK_EQ(watcher.gone_count, 0);  // never inside a call of Responder
  CHECK(server.close_reason(conn) == Code::overloaded);
  CHECK_EQ(watcher.gone_count, 1);
  CHECK_EQ(watcher.drained_count, 0);
  CHECK_EQ(broken(), broken_before + 1);
}

TEST_CASE(a_producer_that_pauses_at_slow_is_told_when_to_go_on) {
  Streams streams;
  LoopbackServer server({.egress_soft_bytes = 100'000, .egress_hard_bytes = 200'000, .send_buffer_bytes = 8192},
                        streams.handler());
  const ConnId conn = server.connect(8192);
  server.pause(conn);
  server.send(conn, kGet);
  Watcher watcher;
  CHECK(streams.last.watch(watcher));
  const std::string piece(10'000, 'x');
  size_t written = 0;
  for (int round = 1; round <= 5; ++round) {
    while (streams.last.write(piece) == net::WriteState::ok) written += piece.size();
    written += piece.size();
    server.settle();
    CHECK_EQ(watcher.drained_count, round - 1);
    server.resume(conn);
    CHECK(server.run_until([&] { return watcher.drained_count == round; }));
    server.pause(conn);
  }
  server.resume(conn);
  CHECK(streams.last.end());
  CHECK_EQ(server.answer(conn).body.size(), written);
  CHECK_EQ(watcher.gone_count, 0);
}

TEST_CASE(a_burst_above_the_marks_is_fine_for_a_fast_reader) {
  // The kernel's buffers take it: nothing has to wait.
  Streams streams;
  LoopbackServer server({.egress_soft_bytes = 10'000, .egress_hard_bytes = 50'000}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  for (int i = 0; i < 20; ++i) CHECK(streams.last.write(std::string(5'000, 'x')) != net::WriteState::gone);
  CHECK(streams.last.end());
  CHECK_EQ(server.answer(conn).body.size(), 100'000u);
}

TEST_CASE(a_client_that_leaves_in_mid_stream_is_told_once) {
  for (const bool by_reset : {false, true}) {
    Streams streams;
    LoopbackServer server({}, streams.handler());
    const uint64_t broken_before = broken();
    const ConnId conn = server.connect();
    server.send(conn, kGet);
    Watcher watcher;
    CHECK(streams.last.watch(watcher));
    CHECK(streams.last.write("x") == net::WriteState::ok);
    server.settle();
    if (by_reset) {
      server.reset(conn);
    } else {
      server.disconnect(conn);
    }
    CHECK(server.close_reason(conn) == Code::closed);
    CHECK_EQ(watcher.gone_count, 1);
    CHECK(streams.last.write("x") == net::WriteState::gone);
    server.settle();
    CHECK_EQ(watcher.gone_count, 1);
    CHECK_EQ(broken(), broken_before + 1);
    Watcher late;
    CHECK(!streams.last.watch(late));
  }
}

TEST_CASE(a_finished_stream_tells_nobody) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const uint64_t broken_before = broken();
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  Watcher watcher;
  CHECK(streams.last.watch(watcher));
  CHECK(streams.last.end());
  server.settle();
  server.disconnect(conn);
  CHECK(!server.is_open(conn));
  CHECK_EQ(watcher.gone_count, 0);
  CHECK_EQ(broken(), broken_before);
}

TEST_CASE(a_watcher_that_is_gone_itself_hears_nothing) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  {
    Watcher watcher;
    CHECK(streams.last.watch(watcher));
  }
  Watcher second;
  CHECK(streams.last.watch(second));
  second.unwatch();
  server.disconnect(conn);
  CHECK(!server.is_open(conn));
  CHECK_EQ(second.gone_count, 0);
}

TEST_CASE(a_request_pipelined_behind_a_stream_waits_and_the_leaving_client_is_still_seen) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.send(conn, kGet);
  CHECK_EQ(server.request_count(), 1u);
  Watcher watcher;
  CHECK(streams.last.watch(watcher));
  server.disconnect(conn);
  CHECK(!server.is_open(conn));
  CHECK_EQ(watcher.gone_count, 1);
  CHECK_EQ(server.request_count(), 1u);
}

TEST_CASE(a_client_that_leaves_while_its_input_waits_unread_is_found_by_writing) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const ConnId conn = server.connect();
  std::string requests;
  while (requests.size() < 300'000) requests += kGet;
  server.send(conn, requests);
  Watcher watcher;
  CHECK(streams.last.watch(watcher));
  server.reset(conn);
  CHECK(server.is_open(conn));
  CHECK(streams.last.write("anybody there?") == net::WriteState::ok);
  CHECK(server.close_reason(conn) == Code::closed);
  CHECK_EQ(watcher.gone_count, 1);
  CHECK_EQ(server.request_count(), 1u);
}

TEST_CASE(a_stream_for_a_client_that_has_ended_its_input_does_not_begin) {
  net::Responder waiting;
  LoopbackServer server({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  server.shut_sending(conn);
  CHECK(waiting.is_open());
  CHECK(!waiting.begin_stream({}));
  CHECK(!waiting.is_open());
  CHECK(server.close_reason(conn) == Code::closed);
}

TEST_CASE(a_listener_may_write_from_on_drained_and_unwatch_from_on_gone) {
  struct Producer : net::GoneListener {
    net::Responder responder;
    size_t left = 3'000'000;
    bool gone = false;
    void produce() {
      const std::string piece(10'000, 'p');
      while (left > 0) {
        left -= piece.size();
        if (responder.write(piece) != net::WriteState::ok) return;
      }
      responder.end();
    }
    void on_drained() noexcept override { produce(); }
    void on_gone() noexcept override {
      gone = true;
      unwatch();
    }
  } producer;
  LoopbackServer server({.send_buffer_bytes = 8192}, [&](net::Request&&, net::Responder responder) {
    producer.responder = responder;
    responder.begin_stream({});
    responder.watch(producer);
    producer.produce();
  });
  const ConnId conn = server.connect(8192);
  server.send(conn, kGet);
  CHECK_EQ(server.answer(conn).body.size(), 3'000'000u);
  CHECK(!producer.gone);
  producer.left = 3'000'000;
  server.pause(conn);
  server.send(conn, kGet);
  server.reset(conn);
  CHECK(!server.is_open(conn));
  CHECK(producer.gone);
}

TEST_CASE(an_aborted_stream_is_cut_and_not_counted) {
  Streams streams;
  LoopbackServer server({}, streams.handler());
  const uint64_t broken_before = broken();
  const ConnId conn = server.connect();
  server.send(conn, kGet);
  streams.last.abort();
  CHECK(server.saw_end(conn));
  CHECK(!server.received(conn).ends_with("0\r\n\r\n"));
  CHECK_EQ(broken(), broken_before);
}
