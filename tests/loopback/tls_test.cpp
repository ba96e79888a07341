// Proves TLS in the server's connection: handshakes cut and joined anywhere, their time, both kinds of end, what a slow
// reader may cost, and the exchange of the certificate. random_test.cpp has the mixtures.
#include "src/net/current_tls.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"
#include "tests/support/test_certificates.h"

using namespace bobbin;
using namespace bobbin::test;
using bobbin::net::test::TestAuthority;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::shared_ptr<const net::TlsContext> issue(TestAuthority& authority) {
  const auto files = authority.issue({.names = {"DNS:localhost"}});
  return CHECK_OK(net::TlsContext::make_server(files.certificate, files.key));
}

// A server with TLS and what its clients trust.
struct World {
  explicit World(net::HttpServer::Options options = {}, LoopbackServer::Handler handler = {})
      : server(with_tls(options), std::move(handler)) {}
  net::HttpServer::Options with_tls(net::HttpServer::Options options) {
    options.tls = &tls;
    return options;
  }
  ConnId connect(int receive_buffer_bytes = 0) { return server.connect_tls(*client_tls, receive_buffer_bytes); }

  TestAuthority authority;
  net::CurrentTls tls{issue(authority)};
  std::shared_ptr<const net::TlsContext> client_tls = CHECK_OK(net::TlsContext::make_client(authority.file()));
  LoopbackServer server;
};

// The client's bytes of a whole handshake and a request, by flights, and what it makes of the answers.
struct Client {
  explicit Client(World& world_in)
      : world(world_in),
        stream(CHECK_OK(net::TlsStream::make_client(*world.client_tls, "localhost"))),
        conn(world.server.connect()) {}
  // Takes what has come; the next flight.
  std::string receive() {
    std::string& wire = world.server.received(conn);
    CHECK_OK(stream->receive(std::exchange(wire, {}), plain));
    return stream->take_output();
  }
  World& world;
  std::unique_ptr<net::TlsStream> stream;
  ConnId conn;
  std::string plain;
};

bool is_open(World& world, ConnId conn) { return world.server.is_open(conn); }

}  // namespace

TEST_CASE(a_request_is_answered_and_known_to_be_encrypted) {
  bool over_tls = false;
  World world({}, [&](net::Request&& request, net::Responder responder) {
    over_tls = request.over_tls;
    responder.send({.body = "hello"});
  });
  const ConnId conn = world.connect();
  for (int i = 0; i < 3; ++i) {
    world.server.send(conn, kGet);
    CHECK_EQ(world.server.answer(conn).body, "hello");
  }
  CHECK(over_tls);
  LoopbackServer plain({}, [&](net::Request&& request, net::Responder responder) {
    over_tls = request.over_tls;
    responder.send({});
  });
  const ConnId other = plain.connect();
  plain.send(other, kGet);
  plain.answer(other);
  CHECK(!over_tls);
}

TEST_CASE(a_handshake_may_be_cut_after_any_byte) {
  World world;
  for (size_t cut = 0;; ++cut) {
    Client client(world);
    const std::string hello = client.stream->take_output();
    world.server.send(client.conn, std::string_view(hello).substr(0, cut));
    if (cut < hello.size()) {
      CHECK_EQ(world.server.received(client.conn), "");
    } else {
      CHECK(world.server.run_until([&] { return !world.server.received(client.conn).empty(); }));
      const std::string finished = client.receive();
      const size_t part = cut - hello.size();
      if (part >= finished.size()) break;
      world.server.send(client.conn, std::string_view(finished).substr(0, part));
    }
    CHECK(is_open(world, client.conn));
    world.server.disconnect(client.conn);
    CHECK(!is_open(world, client.conn));
  }
  const ConnId conn = world.connect();
  world.server.send(conn, kGet);
  CHECK_EQ(world.server.answer(conn).status, 200);
}

TEST_CASE(pieces_of_any_size_and_everything_at_once_are_the_same) {
  World world;
  for (const size_t piece_bytes : {1, 7, 100'000}) {
    Client client(world);
    std::string flight = client.stream->take_output();
    for (bool asked = false; client.plain.empty();) {
      if (client.stream->is_open() && !std::exchange(asked, true)) {
        // The end of the handshake and two requests leave together.
        CHECK_OK(client.stream->send(kGet));
        CHECK_OK(client.stream->send(kGet));
        flight += client.stream->take_output();
      }
      for (std::string_view rest = flight; !rest.empty();) {
        world.server.send(client.conn, rest.substr(0, piece_bytes));
        rest.remove_prefix(std::min(piece_bytes, rest.size()));
      }
      flight.clear();
      world.server.settle();
      if (!world.server.received(client.conn).empty()) flight = client.receive();
    }
    CHECK_EQ(take_answer(client.plain).status, 200);
    CHECK_EQ(take_answer(client.plain).status, 200);
    CHECK_EQ(client.plain, "");
  }
}

TEST_CASE(a_slow_handshake_closes_at_the_header_timeout_and_not_before) {
  World world({.header_timeout_ms = 10'000});
  Client client(world);
  const std::string hello = client.stream->take_output();
  for (int i = 0; i < 9; ++i) {
    world.server.send(client.conn, std::string_view(hello).substr(i, 1));
    world.server.advance_ms(1'000);
  }
  world.server.send(client.conn, std::string_view(hello).substr(9));
  CHECK(!world.server.received(client.conn).empty());
  world.server.advance_ms(999);
  CHECK(is_open(world, client.conn));
  world.server.advance_ms(1);
  CHECK(world.server.close_reason(client.conn) == Code::timeout);
}

TEST_CASE(a_handshake_does_not_buy_time) {
  World world({.header_timeout_ms = 10'000});
  const ConnId silent = world.server.connect();
  const ConnId conn = world.connect();
  world.server.advance_ms(9'999);
  CHECK(is_open(world, silent) && is_open(world, conn));
  world.server.advance_ms(1);
  CHECK(world.server.close_reason(silent) == Code::timeout);
  CHECK(world.server.close_reason(conn) == Code::timeout);
  CHECK(world.server.saw_goodbye(conn));
}

TEST_CASE(past_so_many_handshakes_the_oldest_that_stands_makes_room) {
  World world({.handshakes_max = 2});
  const ConnId done = world.connect();
  world.server.send(done, kGet);
  CHECK_EQ(world.server.answer(done).status, 200);
  std::vector<std::unique_ptr<Client>> standing;
  for (int i = 0; i < 3; ++i) {
    Client& client = *standing.emplace_back(std::make_unique<Client>(world));
    world.server.send(client.conn, client.stream->take_output());
    CHECK(world.server.run_until([&] { return !world.server.received(client.conn).empty(); }));
  }
  CHECK(world.server.run_until([&] { return !is_open(world, standing[0]->conn); }));
  CHECK(is_open(world, standing[1]->conn) && is_open(world, standing[2]->conn));
  // Those whose handshake is done are nobody's room.
  CHECK(is_open(world, done));
  world.server.send(done, kGet);
  CHECK_EQ(world.server.answer(done).status, 200);
}

TEST_CASE(plain_http_is_told_what_is_wrong) {
  World world;
  const ConnId conn = world.server.connect();
  world.server.send(conn, kGet);
  const Answer answer = world.server.answer(conn);
  CHECK_EQ(answer.status, 400);
  CHECK_EQ(answer.field("Connection"), "close");
  CHECK(answer.body.find("https://") != std::string::npos);
  CHECK(world.server.saw_end(conn));
  world.server.disconnect(conn);
  CHECK(world.server.close_reason(conn) == Code::malformed);
  CHECK_EQ(world.server.request_count(), 0u);
}

TEST_CASE(what_is_no_tls_is_closed_with_an_alert) {
  World world;
  for (const std::string& bytes : {std::string("\x16\x03\x01\x00\x05nohello", 12), std::string(64, '\x16'),
                                   std::string(64, '\x80'), std::string("\x15\x03\x01\x00\x02\x02\x28", 7)}) {
    const ConnId conn = world.server.connect();
    world.server.send(conn, bytes);
    CHECK(world.server.close_reason(conn) == Code::malformed);
    CHECK(world.server.received(conn).empty() || world.server.received(conn)[0] == 0x15);
  }
}

TEST_CASE(a_fault_after_a_request_closes_and_the_answer_is_not_sent) {
  net::Responder waiting;
  World world({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  Client client(world);
  world.server.send(client.conn, client.stream->take_output());
  const std::string finished = client.receive();
  CHECK_OK(client.stream->send(kGet));
  world.server.send(client.conn, finished + client.stream->take_output() + std::string(30, '\x17'));
  CHECK(world.server.close_reason(client.conn) == Code::malformed);
  CHECK_EQ(world.server.request_count(), 1u);
  CHECK(!waiting.send({.body = "too late"}));
}

TEST_CASE(orderly_ends_say_goodbye) {
  World world({.idle_timeout_ms = 30'000});
  const ConnId last = world.connect();
  world.server.send(last, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK_EQ(world.server.answer(last).status, 200);
  CHECK(world.server.saw_goodbye(last) && world.server.saw_end(last));
  const ConnId idle = world.connect();
  world.server.send(idle, kGet);
  CHECK_EQ(world.server.answer(idle).status, 200);
  CHECK(!world.server.saw_goodbye(idle));
  world.server.advance_ms(30'000);
  CHECK(world.server.saw_goodbye(idle) && world.server.saw_end(idle));
  const ConnId drained = world.connect();
  world.server.send(drained, kGet);
  CHECK_EQ(world.server.answer(drained).status, 200);
  world.server.server().begin_drain();
  CHECK(world.server.saw_goodbye(drained) && world.server.saw_end(drained));
}

TEST_CASE(an_answer_that_is_cut_has_no_goodbye) {
  net::Responder stream;
  World world({}, [&](net::Request&&, net::Responder responder) {
    stream = responder;
    responder.begin_stream({});
  });
  for (const bool aborted : {true, false}) {
    const ConnId conn = world.connect();
    world.server.send(conn, kGet);
    CHECK(stream.write("half of it") == net::WriteState::ok);
    world.server.settle();
    aborted ? stream.abort() : world.server.server().close_all();
    CHECK(world.server.saw_end(conn));
    CHECK(!world.server.saw_goodbye(conn));
  }
}

TEST_CASE(a_cut_without_a_goodbye_is_a_cut_and_a_goodbye_is_only_an_end_of_input) {
  net::Responder waiting;
  World world({}, [&](net::Request&&, net::Responder responder) { waiting = responder; });
  const ConnId cut = world.connect();
  world.server.send(cut, kGet);
  world.server.shut_sending(cut);
  CHECK(world.server.close_reason(cut) == Code::closed);
  CHECK(!waiting.send({.body = "nobody there"}));

  const ConnId ended = world.connect();
  world.server.send(ended, kGet);
  world.server.say_goodbye(ended);
  CHECK(is_open(world, ended));
  CHECK(waiting.send({.body = "the last"}));
  CHECK_EQ(world.server.answer(ended).body, "the last");
  CHECK(world.server.saw_goodbye(ended) && world.server.saw_end(ended));

  const ConnId idle = world.connect();
  world.server.say_goodbye(idle);
  CHECK(world.server.close_reason(idle) == Code::closed);
  CHECK(world.server.saw_goodbye(idle));
}

TEST_CASE(large_bodies_pass_both_ways) {
  static const std::string asset(3'000'000, 'a');
  World world({}, [&](net::Request&& request, net::Responder responder) {
    if (request.head.path() == "/asset") return void(responder.send({.static_body = asset}));
    responder.send({.body = request.body + request.body});
  });
  const ConnId conn = world.connect();
  std::string body(1'000'000, ' ');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + body;
  for (int i = 0; i < 2; ++i) {
    world.server.send(conn, post + "GET /asset HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(world.server.answer(conn).body == body + body);
    CHECK(world.server.answer(conn).body == asset);
  }
  world.server.settle();
  CHECK_EQ(world.server.server().unsent_bytes(), 0u);
}

TEST_CASE(a_reader_that_takes_nothing_of_a_static_body_costs_two_records) {
  static const std::string asset(3'000'000, 'a');
  World world({.send_buffer_bytes = 8192},
              [&](net::Request&&, net::Responder responder) { responder.send({.static_body = asset}); });
  const ConnId conn = world.connect(8192);
  world.server.pause(conn);
  world.server.send(conn, kGet);
  CHECK(world.server.server().unsent_bytes() > 0);
  CHECK(world.server.server().unsent_bytes() < 34 * 1024);
  world.server.resume(conn);
  CHECK(world.server.answer(conn).body == asset);
}

TEST_CASE(a_large_answer_is_not_in_memory_twice) {
  World world({.send_buffer_bytes = 8192},
              [&](net::Request&&, net::Responder responder) { responder.send({.body = std::string(3'000'000, 'b')}); });
  const ConnId conn = world.connect(8192);
  world.server.pause(conn);
  world.server.send(conn, kGet);
  CHECK(world.server.server().unsent_bytes() < 3'000'000 + 34 * 1024);
  world.server.resume(conn);
  CHECK_EQ(world.server.answer(conn).body.size(), 3'000'000u);
  world.server.settle();
  CHECK_EQ(world.server.server().unsent_bytes(), 0u);
}

TEST_CASE(the_marks_of_a_stream_hold) {
  net::Responder stream;
  World world({.egress_soft_bytes = 50'000, .egress_hard_bytes = 200'000, .send_buffer_bytes = 8192},
              [&](net::Request&&, net::Responder responder) {
                stream = responder;
                responder.begin_stream({});
              });
  const ConnId conn = world.connect(8192);
  world.server.pause(conn);
  world.server.send(conn, kGet);
  const std::string piece(1'000, 'p');
  size_t written = 0;
  bool was_slow = false;
  for (net::WriteState state = net::WriteState::ok; state != net::WriteState::gone; ++written) {
    state = stream.write(piece);
    was_slow |= state == net::WriteState::slow;
    CHECK(world.server.server().unsent_bytes() <= 210'000);
    CHECK(written < 1'000);
    world.server.settle();
  }
  CHECK(was_slow);
  CHECK(world.server.close_reason(conn) == Code::overloaded);
  world.server.resume(conn);
  CHECK(world.server.saw_end(conn) && !world.server.saw_goodbye(conn));
}

TEST_CASE(a_drain_lets_handshakes_finish_and_silent_connections_go) {
  World world;
  const ConnId silent = world.server.connect();
  Client client(world);
  world.server.send(client.conn, client.stream->take_output());
  world.server.server().begin_drain();
  CHECK(world.server.close_reason(silent) == Code::draining);
  const std::string finished = client.receive();
  CHECK_OK(client.stream->send(kGet));
  world.server.send(client.conn, finished + client.stream->take_output());
  client.receive();
  const Answer answer = take_answer(client.plain);
  CHECK_EQ(answer.status, 200);
  CHECK_EQ(answer.field("Connection"), "close");
  world.server.disconnect(client.conn);
  CHECK(world.server.run_until([&] { return world.server.server().closed().is_done(); }));
}

TEST_CASE(a_new_certificate_is_for_new_connections) {
  World world;
  const ConnId old = world.connect();
  TestAuthority other("Another authority");
  const auto trusts_other = CHECK_OK(net::TlsContext::make_client(other.file()));
  world.tls.set(issue(other));
  world.server.send(old, kGet);
  CHECK_EQ(world.server.answer(old).status, 200);
  const ConnId fresh = world.server.connect_tls(*trusts_other);
  world.server.send(fresh, kGet);
  CHECK_EQ(world.server.answer(fresh).status, 200);
  Client client(world);  // trusts the old one alone
  world.server.send(client.conn, client.stream->take_output());
  CHECK_FAILS(client.stream->receive(world.server.received(client.conn), client.plain), Code::io);
}
