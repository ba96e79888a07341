// Proves TLS towards a server: who is trusted and who is not, records split anywhere, ends that are cuts. The servers
// are OpenSSL's own on real sockets, their certificates made here.

#include <openssl/ssl.h>

#include <optional>

#include "src/net/http_client.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

HttpClientOptions trusting(const std::string& ca_file) {
  return {.tls = CHECK_OK(TlsContext::make_client(ca_file)), .proxies = {}};
}

// What becomes of a call to `host` at a server that shows this certificate.
std::string outcome_with(const LeafOptions& leaf, const std::string& host, const char* signed_by = nullptr) {
  TestAuthority trusted;
  std::optional<TestAuthority> stranger;
  if (signed_by != nullptr) stranger.emplace(signed_by);
  TestAuthority& authority = stranger ? *stranger : trusted;
  World world(trusting(trusted.file()));
  PeerListener server(world);
  void* context = authority.server_context(leaf);
  Exchange& x = world.start(get_options(server.url_for("https", host)));
  PeerConnection peer = server.accept();
  if (peer.begin_tls(context) && !peer.is_closed_by_client()) {
    world.settle();
    if (!x.done) {
      peer.read_request();
      peer.send(kHello);
    }
  }
  world.finish(x);
  if (x.error) return std::string(code_name(x.error->code)) + ": " + x.error->detail;
  return x.body;
}

}  // namespace

TEST_CASE(a_server_with_the_right_name_and_a_known_issuer_is_trusted) {
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}}, "localhost"), "hello");
  CHECK_EQ(outcome_with({.names = {"DNS:other", "IP:127.0.0.1"}}, "127.0.0.1"), "hello");
}

TEST_CASE(a_server_with_another_name_is_not) {
  constexpr std::string_view kMismatch = "io: certificate: name does not match";
  CHECK_EQ(outcome_with({.names = {"DNS:example.com"}}, "localhost"), kMismatch);
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}}, "127.0.0.1"), kMismatch);
  CHECK_EQ(outcome_with({.names = {"DNS:127.0.0.1"}}, "127.0.0.1"), kMismatch);
  CHECK_EQ(outcome_with({.names = {"IP:127.0.0.1"}}, "localhost"), kMismatch);
  CHECK_EQ(outcome_with({.names = {"DNS:*"}}, "localhost"), kMismatch);
  CHECK_EQ(outcome_with({}, "localhost"), kMismatch);  // the common name alone does not count
}

TEST_CASE(a_certificate_out_of_its_time_is_refused) {
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}, .valid_from_s = -7200, .valid_until_s = -3600}, "localhost"),
           "io: certificate: expired");
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}, .valid_from_s = 3600, .valid_until_s = 7200}, "localhost"),
           "io: certificate: not valid yet");
}

TEST_CASE(a_certificate_that_nobody_known_has_signed_is_refused) {
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}, .is_self_signed = true}, "localhost"),
           "io: certificate: self-signed");
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}}, "localhost", "a stranger"),
           "io: certificate: its issuer is not known");
  // One that has taken the name of an authority that is known, but not its key.
  CHECK_EQ(outcome_with({.names = {"DNS:localhost"}}, "localhost", "Bobbin test authority"),
           "io: certificate: not valid");
}

TEST_CASE(a_server_without_tls_or_with_an_old_version_is_an_error) {
  TestAuthority authority;
  World world(trusting(authority.file()));
  PeerListener server(world);
  Exchange& x = world.start(get_options(server.url_for("https", "127.0.0.1")));
  PeerConnection peer = server.accept();
  peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  world.finish(x);
  CHECK_EQ(x.error->code, Code::io);

  void* context = authority.server_context({.names = {"IP:127.0.0.1"}});
  SSL_CTX_set_security_level(static_cast<SSL_CTX*>(context), 0);
  SSL_CTX_set_max_proto_version(static_cast<SSL_CTX*>(context), TLS1_1_VERSION);
  Exchange& old = world.start(get_options(server.url_for("https", "127.0.0.1")));
  PeerConnection old_peer = server.accept();
  CHECK(!old_peer.begin_tls(context));
  old_peer.close();
  world.finish(old);
  CHECK(old.error.has_value());
}

TEST_CASE(an_encrypted_answer_may_arrive_in_pieces_of_any_size) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const size_t piece_bytes : {1, 5, 16}) {
      TestAuthority authority;
      World world(trusting(authority.file()));
      PeerListener server(world);
      void* context = authority.server_context({.names = {"DNS:localhost"}});
      SSL_CTX_set_max_proto_version(static_cast<SSL_CTX*>(context), version);
      Exchange& x = world.start(get_options(server.url_for("https", "localhost")));
      PeerConnection peer = server.accept();
      CHECK(peer.begin_tls(context, piece_bytes));
      peer.read_request();
      peer.send(kHello, piece_bytes);
      world.finish(x);
      CHECK(!x.error);
      CHECK_EQ(x.body, "hello");
      CHECK_EQ(world.client->pooled_count(), size_t{1});
      // The same connection serves again, whatever session tickets came meanwhile.
      Exchange& again = world.start(get_options(server.url_for("https", "localhost")));
      peer.read_request();
      peer.send(kHello);
      world.finish(again);
      CHECK_EQ(again.body, "hello");
    }
  }
}

TEST_CASE(only_a_goodbye_ends_an_encrypted_body_without_length) {
  for (const bool says_goodbye : {true, false}) {
    TestAuthority authority;
    World world(trusting(authority.file()));
    PeerListener server(world);
    void* context = authority.server_context({.names = {"DNS:localhost"}});
    Exchange& x = world.start(get_options(server.url_for("https", "localhost")));
    PeerConnection peer = server.accept();
    CHECK(peer.begin_tls(context));
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nhello");
    if (says_goodbye) peer.close_notify();
    peer.close();
    world.finish(x);
    CHECK_EQ(x.body, "hello");
    CHECK_EQ(x.error.has_value(), !says_goodbye);
    if (x.error) CHECK_EQ(std::string(x.error->detail), "the answer was cut");
  }
}

TEST_CASE(a_stale_encrypted_connection_is_replaced_once) {
  TestAuthority authority;
  World world(trusting(authority.file()));
  PeerListener server(world);
  void* context = authority.server_context({.names = {"DNS:localhost"}});
  Exchange& first = world.start(get_options(server.url_for("https", "localhost")));
  PeerConnection peer = server.accept();
  CHECK(peer.begin_tls(context));
  peer.read_request();
  peer.send(kHello);
  world.finish(first);
  peer.close_notify();
  peer.close();
  Exchange& second = world.start(get_options(server.url_for("https", "localhost")));
  PeerConnection fresh = server.accept();
  CHECK(fresh.begin_tls(context));
  fresh.read_request();
  fresh.send(kHello);
  world.finish(second);
  CHECK_EQ(second.body, "hello");
}

TEST_CASE(a_large_encrypted_body_comes_through_both_ways) {
  TestAuthority authority;
  World world(trusting(authority.file()));
  PeerListener server(world);
  void* context = authority.server_context({.names = {"DNS:localhost"}});
  HttpCallOptions options = get_options(server.url_for("https", "localhost"));
  options.method = "POST";
  options.body = std::string(3 * 1024 * 1024, 'q');
  Exchange& x = world.start(options);
  PeerConnection peer = server.accept();
  CHECK(peer.begin_tls(context));
  const std::string request = peer.read_request();
  CHECK(request.ends_with("\r\n\r\n" + options.body));
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n");
  for (int i = 0; i < 48; ++i) peer.send(std::string(64 * 1024, 'a'));
  world.finish(x);
  CHECK(!x.error);
  CHECK(x.body == std::string(3 * 1024 * 1024, 'a'));
}

TEST_CASE(garbage_inside_an_encrypted_stream_is_an_error) {
  TestAuthority authority;
  World world(trusting(authority.file()));
  PeerListener server(world);
  void* context = authority.server_context({.names = {"DNS:localhost"}});
  Exchange& x = world.start(get_options(server.url_for("https", "localhost")));
  PeerConnection peer = server.accept();
  CHECK(peer.begin_tls(context));
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
  world.until([&] { return x.body == "hello"; });
  const std::string forged(
      "\x17\x03\x03\x00\x20"
      "0123456789abcdef0123456789abcdef",
      37);
  CHECK_EQ(peer.send_some(forged), forged.size());
  world.finish(x);
  CHECK_EQ(x.error->code, Code::io);
  CHECK_EQ(world.client->pooled_count(), size_t{0});
}

TEST_CASE(a_ca_file_that_holds_no_certificate_is_refused) {
  CHECK_FAILS(TlsContext::make_client("/nonexistent/ca.pem"), Code::io);
  CHECK_FAILS(TlsContext::make_client("/dev/null"), Code::io);
}
