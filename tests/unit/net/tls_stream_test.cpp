// Proves the TLS stream by itself, both sides in memory: any cutting of the bytes gives the same text, and faults of
// the wire are errors.

#include "src/net/tls.h"

#include "tests/support/test.h"
#include "tests/support/test_certificates.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

struct Side {
  std::unique_ptr<TlsStream> stream;
  std::string received;
};

struct Pair {
  Pair() {
    const auto files = authority.issue({.names = {"DNS:model.test"}});
    server_context = CHECK_OK(TlsContext::make_server(files.certificate, files.key));
    client_context = CHECK_OK(TlsContext::make_client(authority.file()));
    server.stream = CHECK_OK(TlsStream::make_server(*server_context));
    client.stream = CHECK_OK(TlsStream::make_client(*client_context, "model.test"));
  }
  // Carries bytes both ways until both are silent.
  void carry(size_t piece_bytes) {
    for (bool moved = true; moved;) {
      moved = carry_one_way(client, server, piece_bytes);
      moved = carry_one_way(server, client, piece_bytes) || moved;
    }
  }
  static bool carry_one_way(Side& from, Side& to, size_t piece_bytes) {
    const std::string wire = from.stream->take_output();
    for (std::string_view rest = wire; !rest.empty();) {
      CHECK_OK(to.stream->receive(rest.substr(0, piece_bytes), to.received));
      rest.remove_prefix(std::min(piece_bytes, rest.size()));
    }
    return !wire.empty();
  }

  TestAuthority authority;
  std::shared_ptr<const TlsContext> server_context;
  std::shared_ptr<const TlsContext> client_context;
  Side server;
  Side client;
};

}  // namespace

TEST_CASE(both_sides_understand_each_other_however_the_bytes_are_cut) {
  for (const size_t piece_bytes : {1, 2, 3, 100, 1'000'000}) {
    Pair pair;
    pair.carry(piece_bytes);
    CHECK(pair.client.stream->is_open());
    CHECK(pair.server.stream->is_open());
    const std::string question(40'000, 'q');
    CHECK_OK(pair.client.stream->send(question));
    CHECK_OK(pair.server.stream->send("answer"));
    pair.carry(piece_bytes);
    CHECK(pair.server.received == question);
    CHECK_EQ(pair.client.received, "answer");
    pair.server.stream->end();
    pair.carry(piece_bytes);
    CHECK(pair.client.stream->is_ended_by_peer());
    CHECK(!pair.server.stream->is_ended_by_peer());
  }
}

TEST_CASE(text_before_a_goodbye_in_the_same_bytes_is_not_lost) {
  Pair pair;
  pair.carry(1'000'000);
  CHECK_OK(pair.server.stream->send("last words"));
  pair.server.stream->end();
  pair.carry(1'000'000);
  CHECK_EQ(pair.client.received, "last words");
  CHECK(pair.client.stream->is_ended_by_peer());
}

TEST_CASE(a_changed_byte_anywhere_is_noticed) {
  Pair pair;
  pair.carry(1'000'000);
  CHECK_OK(pair.server.stream->send("text"));
  std::string wire = pair.server.stream->take_output();
  wire[wire.size() - 1] = static_cast<char>(wire[wire.size() - 1] ^ 1);
  CHECK_FAILS(pair.client.stream->receive(wire, pair.client.received), Code::io);
  CHECK_EQ(pair.client.received, "");
  CHECK(!pair.client.stream->take_output().empty());  // the alert
}

TEST_CASE(garbage_instead_of_a_handshake_is_an_error_on_either_side) {
  Pair pair;
  CHECK_FAILS(pair.client.stream->receive("HTTP/1.1 400 Bad Request\r\n\r\n", pair.client.received), Code::io);
  CHECK_FAILS(pair.server.stream->receive("GET / HTTP/1.1\r\n\r\n", pair.server.received), Code::io);
}

TEST_CASE(names_that_cannot_be_verified_are_refused_before_a_byte_is_sent) {
  Pair pair;
  CHECK_FAILS(TlsStream::make_client(*pair.client_context, ""), Code::invalid);
  CHECK_FAILS(TlsStream::make_client(*pair.client_context, "."), Code::invalid);
  CHECK_FAILS(TlsStream::make_client(*pair.client_context, std::string("a\0b", 3)), Code::invalid);
}

TEST_CASE(a_key_of_another_certificate_is_refused) {
  TestAuthority authority;
  const auto a = authority.issue({.names = {"DNS:a"}});
  const auto b = authority.issue({.names = {"DNS:b"}});
  CHECK_FAILS(TlsContext::make_server(a.certificate, b.key), Code::invalid);
  CHECK_FAILS(TlsContext::make_server("/nonexistent", b.key), Code::io);
}
