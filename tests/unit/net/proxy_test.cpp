// Proves which requests go through a proxy, and the two ways through it.

#include "src/net/proxy.h"

#include "src/net/http_client.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/net/client_world.h"

using namespace bobbin;
using namespace bobbin::net;
using namespace bobbin::net::test;

namespace {

ProxyRules rules(ProxySettings settings) { return CHECK_OK(ProxyRules::parse(settings)); }

// A client that reaches everything but this machine through `proxy`.
HttpClientOptions through(const PeerListener& proxy, const std::string& ca_file, const std::string& user_info = "") {
  const std::string url = "http://" + user_info + "127.0.0.1:" + std::to_string(proxy.port());
  return {.tls = CHECK_OK(TlsContext::make_client(ca_file)),
          .proxies = rules({.https_proxy = url, .http_proxy = url, .no_proxy = ""})};
}

std::string outcome(const Exchange& x) {
  return x.error ? std::string(code_name(x.error->code)) + ": " + x.error->detail : x.body;
}

// A world whose client is given the address of a proxy that needs the world's loop.
struct ProxyWorld {
  explicit ProxyWorld(const std::string& user_info = "") {
    world.client.emplace(world.loop, through(proxy, authority.file(), user_info));
  }
  TestAuthority authority;
  World world;
  PeerListener proxy{world};
};

}  // namespace

TEST_CASE(each_scheme_has_its_proxy) {
  const ProxyRules both = rules({.https_proxy = "http://p:3128", .http_proxy = "q", .no_proxy = ""});
  CHECK_EQ(both.find(true, "example.com", 443)->host, "p");
  CHECK_EQ(both.find(true, "example.com", 443)->port, 3128);
  CHECK_EQ(both.find(false, "example.com", 80)->host, "q");
  CHECK_EQ(both.find(false, "example.com", 80)->port, 80);
  CHECK(ProxyRules().find(true, "example.com", 443) == nullptr);
  CHECK_EQ(rules({.https_proxy = "http://[::1]:8/", .http_proxy = "", .no_proxy = ""}).find(true, "x.y", 1)->host,
           "::1");
}

TEST_CASE(this_machine_is_always_direct) {
  const ProxyRules all = rules({.https_proxy = "p:1", .http_proxy = "p:1", .no_proxy = ""});
  for (const char* host :
       {"localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"})
    CHECK(all.find(false, host, 80) == nullptr);
  for (const char* host : {"128.0.0.1", "notlocalhost", "localhost.com", "::2", "127.0.0.1.example.com"})
    CHECK(all.find(false, host, 80) != nullptr);
}

TEST_CASE(exceptions_are_whole_names_domains_addresses_and_ports) {
  const ProxyRules some = rules({.https_proxy = "p:1",
                                 .http_proxy = "",
                                 .no_proxy = "Example.com, .corp ,*.lan,10.0.0.1,host:8443,[fd00::1]:9,bad:port:x,,"});
  for (const char* host : {"example.com", "a.example.com", "example.com.", "x.corp", "corp", "y.lan", "10.0.0.1"})
    CHECK(some.find(true, host, 443) == nullptr);
  for (const char* host : {"badexample.com", "example.org", "xcorp", "10.0.0.11", "110.0.0.1", "host", "fd00::1"})
    CHECK(some.find(true, host, 443) != nullptr);
  CHECK(some.find(true, "host", 8443) == nullptr);
  CHECK(some.find(true, "fd00::1", 9) == nullptr);
  CHECK(rules({.https_proxy = "p:1", .http_proxy = "", .no_proxy = " * "}).find(true, "any.com", 1) == nullptr);
}

TEST_CASE(networks_are_exceptions_for_addresses) {
  const ProxyRules some = rules({.https_proxy = "p:1",
                                 .http_proxy = "",
                                 .no_proxy = "10.0.0.0/8,192.168.4.0/22,fd00::/7,1.2.3.4/32,9.9.9.9/33,8.8.8.8/,x/8"});
  for (const char* host : {"10.255.0.1", "192.168.7.255", "fd12::1", "[fc00::1]", "1.2.3.4"})
    CHECK(some.find(true, host, 443) == nullptr);
  for (const char* host :
       {"11.0.0.1", "192.168.8.0", "fe00::1", "1.2.3.5", "9.9.9.9", "8.8.8.8", "x", "10.example.com"})
    CHECK(some.find(true, host, 443) != nullptr);
}

TEST_CASE(what_is_no_proxy_is_refused) {
  for (const char* text : {"https://p", "socks5://p:1", "p:0", "p:65536", "p:x", "http://", "a b", "http://p/path",
                           "http://u:%zz@p:1", "[::1", "a:b:c"})
    CHECK_FAILS(ProxyRules::parse({.https_proxy = text, .http_proxy = "", .no_proxy = ""}), Code::invalid);
  CHECK_FAILS(ProxyRules::parse({.https_proxy = std::string(5000, 'a'), .http_proxy = "", .no_proxy = ""}),
              Code::invalid);
}

TEST_CASE(credentials_are_decoded_and_sent_as_basic) {
  const ProxyRules some = rules({.https_proxy = "http://Aladdin:open%20sesame@p:1", .http_proxy = "", .no_proxy = ""});
  CHECK_EQ(some.find(true, "x", 1)->authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST_CASE(http_goes_to_the_proxy_with_the_whole_url) {
  ProxyWorld w("u:p@");
  Exchange& x = w.world.start(get_options("http://model.test:81/v1?x=1"));
  PeerConnection peer = w.proxy.accept();
  const std::string request = peer.read_request();
  CHECK(request.starts_with("GET http://model.test:81/v1?x=1 HTTP/1.1\r\n"));
  CHECK(request.find("\r\nHost: model.test:81\r\n") != std::string::npos);
  CHECK(request.find("\r\nProxy-Authorization: Basic dTpw\r\n") != std::string::npos);
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  w.world.finish(x);
  CHECK_EQ(outcome(x), "ok");
}

TEST_CASE(https_goes_through_a_tunnel_and_the_proxy_sees_no_header_of_the_request) {
  ProxyWorld w("u:p@");
  HttpCallOptions options = get_options("https://model.test/v1");
  options.headers = {{"Authorization", "Bearer secret"}};
  Exchange& x = w.world.start(options);
  PeerConnection peer = w.proxy.accept();
  const std::string request = peer.read_request();
  CHECK(request.starts_with("CONNECT model.test:443 HTTP/1.1\r\nHost: model.test:443\r\n"));
  CHECK(request.find("\r\nProxy-Authorization: Basic dTpw\r\n") != std::string::npos);
  CHECK(request.find("secret") == std::string::npos);
  peer.send("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", 1);
  CHECK(peer.begin_tls(w.authority.server_context({.names = {"DNS:model.test"}})));
  const std::string inner = peer.read_request();
  CHECK(inner.starts_with("GET /v1 HTTP/1.1\r\nHost: model.test\r\n"));
  CHECK(inner.find("Proxy-") == std::string::npos);
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  w.world.finish(x);
  CHECK_EQ(outcome(x), "ok");
  CHECK_EQ(w.world.client->pooled_count(), size_t{1});
}

TEST_CASE(a_proxy_cannot_pass_for_the_server) {
  ProxyWorld w;
  Exchange& x = w.world.start(get_options("https://model.test/"));
  PeerConnection peer = w.proxy.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\n\r\n");
  peer.begin_tls(w.authority.server_context({.names = {"DNS:proxy.test"}}));
  w.world.finish(x);
  CHECK_EQ(outcome(x), "io: certificate: name does not match");
}

TEST_CASE(a_proxy_that_says_no_is_named_in_the_error) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n", "io: proxy: wants user and password"},
      {"HTTP/1.1 503 Down\r\nContent-Length: 3\r\n\r\nno!", "io: proxy: refused the connection"},
      {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", "malformed: proxy: bytes before the tunnel is used"},
      {"SSH-2.0-x\r\n", "malformed: proxy: not an HTTP answer"},
      {"HTTP/1.1 20", "closed: proxy: closed the connection"}};
  for (const auto& [answer, expected] : cases) {
    ProxyWorld w;
    Exchange& x = w.world.start(get_options("https://model.test/"));
    PeerConnection peer = w.proxy.accept();
    peer.read_request();
    peer.send(answer);
    if (answer.ends_with("20")) peer.close();
    w.world.finish(x);
    CHECK_EQ(outcome(x), expected);
  }
}

TEST_CASE(a_call_with_an_address_policy_goes_past_the_proxy) {
  ProxyWorld w;
  HttpCallOptions options = get_options("http://192.0.2.1/");
  options.address_policy = [](const sockaddr&) noexcept { return false; };
  Exchange& x = w.world.start(options);
  CHECK_EQ(outcome(x), "forbidden: connections to this address are not allowed");
  CHECK(!w.proxy.has_client());
}

TEST_CASE(a_tunnel_has_its_time) {
  ProxyWorld w;
  HttpCallOptions options = get_options("https://model.test/");
  options.connect_timeout_ms = 100;
  Exchange& x = w.world.start(options);
  PeerConnection peer = w.proxy.accept();
  peer.read_request();
  w.world.loop.advance_ms(100);
  CHECK_EQ(outcome(x), "timeout: proxy: no answer in time");
}
