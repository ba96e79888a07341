// Proves who a request is taken to come from: a table for each field, with what a client can write into it to pass for
// somebody else.

#include "src/api/client_address.h"

#include <arpa/inet.h>

#include <cstring>

#include "src/net/address.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::api;

namespace {

net::SocketAddress peer_at(const std::string& host) {
  net::SocketAddress peer;
  auto& v4 = reinterpret_cast<sockaddr_in&>(peer.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    peer.size = sizeof(sockaddr_in);
  } else {
    CHECK_EQ(inet_pton(AF_INET6, host.c_str(), &peer.storage.sin6_addr), 1);
    peer.storage.sin6_family = AF_INET6;
    peer.size = sizeof(sockaddr_in6);
  }
  return peer;
}

http::RequestHead head_with(const std::string& fields) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  std::string_view input = text;
  http::RequestParser parser;
  CHECK(parser.next(input) == http::Event::head);
  return parser.take_head();
}

const std::vector<std::string> kProxies = {"10.0.0.0/8", "fd00::/8"};

ClientAddress client_of(const std::string& peer, const std::string& fields, bool over_tls = false,
                        const std::vector<std::string>& proxies = kProxies) {
  return find_client(CHECK_OK(TrustedProxies::parse(proxies)), peer_at(peer), over_tls, head_with(fields));
}

// The client behind the proxy 10.0.0.1.
std::string behind_proxy(const std::string& fields) { return client_of("10.0.0.1", fields).host; }
std::string x_for(const std::string& value) { return behind_proxy("X-Forwarded-For: " + value + "\r\n"); }
std::string by_forwarded(const std::string& value) { return behind_proxy("Forwarded: " + value + "\r\n"); }
bool is_https(const std::string& fields, bool over_tls = false) {
  return client_of("10.0.0.1", fields, over_tls).is_https;
}

bool trusts(const std::vector<std::string>& networks, const std::string& host) {
  return CHECK_OK(TrustedProxies::parse(networks)).contains(*net::ip_bytes(host));
}

}  // namespace

TEST_CASE(nobody_is_believed_without_a_list) {
  const std::string fields =
      "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6;proto=https\r\nX-Forwarded-Proto: https\r\n";
  const ClientAddress client = client_of("10.0.0.1", fields, false, {});
  CHECK_EQ(client.host, "10.0.0.1");
  CHECK(!client.is_https);
}

TEST_CASE(a_peer_that_is_no_proxy_is_the_client_whatever_it_says) {
  const std::string fields =
      "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6;proto=https\r\nX-Forwarded-Proto: https\r\n";
  for (const char* peer : {"11.0.0.1", "9.255.255.255", "127.0.0.1", "2001:db8::1", "fc00::1", "::1"}) {
    const ClientAddress client = client_of(peer, fields);
    CHECK_EQ(client.host, peer);
    CHECK(!client.is_https);
    CHECK(client_of(peer, fields, true).is_https);
  }
}

TEST_CASE(addresses_have_one_notation) {
  CHECK_EQ(client_of("::ffff:8.8.4.4", "").host, "8.8.4.4");
  CHECK_EQ(client_of("::ffff:10.0.0.1", "X-Forwarded-For: ::ffff:9.9.9.9\r\n").host, "9.9.9.9");
  CHECK_EQ(x_for("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  CHECK_EQ(x_for("[2001:DB8::1]"), "2001:db8::1");
  CHECK_EQ(x_for("[2001:DB8::1]:4711"), "2001:db8::1");
  CHECK_EQ(x_for("9.9.9.9:4711"), "9.9.9.9");
}

TEST_CASE(the_rightmost_address_that_is_no_proxy_counts) {
  CHECK_EQ(x_for("9.9.9.9"), "9.9.9.9");
  CHECK_EQ(x_for("6.6.6.6, 9.9.9.9"), "9.9.9.9");
  CHECK_EQ(x_for("10.0.0.7,9.9.9.9 ,\t10.2.0.1, fd00::5"), "9.9.9.9");
  CHECK_EQ(behind_proxy("X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 9.9.9.9\r\n"), "9.9.9.9");
  CHECK_EQ(behind_proxy("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 10.0.0.2\r\n"), "9.9.9.9");
  CHECK_EQ(by_forwarded("for=6.6.6.6, for=9.9.9.9"), "9.9.9.9");
  CHECK_EQ(by_forwarded("for=9.9.9.9;by=10.0.0.2, For=\"[fd00::2]:80\" ; proto=http"), "9.9.9.9");
  CHECK_EQ(by_forwarded("for=\"[2001:db8::9]:4711\";host=\"a,b;c\""), "2001:db8::9");
}

TEST_CASE(where_all_are_proxies_the_first_is_the_client) {
  CHECK_EQ(x_for("10.3.3.3, 10.2.2.2"), "10.3.3.3");
  CHECK_EQ(by_forwarded("for=10.3.3.3, for=10.2.2.2"), "10.3.3.3");
  CHECK_EQ(behind_proxy(""), "10.0.0.1");
}

TEST_CASE(what_a_client_wrote_left_of_its_address_changes_nothing) {
  for (const char* forged : {"", "unknown", "10.0.0.1", "x\"", "\"", "\\\"", "for=\"", "for=\"10.0.0.1", "[::1",
                             "\"a\\", "1.2.3.4, 5.6.7.8", "\xff"}) {
    CHECK_EQ(x_for(std::string(forged) + ", 9.9.9.9"), "9.9.9.9");
    CHECK_EQ(by_forwarded(std::string(forged) + ", for=9.9.9.9"), "9.9.9.9");
    CHECK_EQ(by_forwarded(std::string(forged) + ", for=9.9.9.9, for=10.0.0.2"), "9.9.9.9");
  }
}

TEST_CASE(a_name_inside_a_quoted_string_is_no_element) {
  // What a proxy may copy from the client's Host field, quoted as it should be.
  CHECK_EQ(by_forwarded("for=9.9.9.9;host=\"x, for=6.6.6.6\""), "9.9.9.9");
  CHECK_EQ(by_forwarded("for=9.9.9.9;host=\"x;proto=https\""), "9.9.9.9");
  CHECK_EQ(by_forwarded("for=9.9.9.9;host=\"x\\\", for=6.6.6.6, y=\\\"z\""), "10.0.0.1");
  CHECK(!is_https("Forwarded: for=9.9.9.9;host=\"x;proto=https\"\r\n"));
}

TEST_CASE(what_cannot_be_read_is_the_peer) {
  for (const char* value : {"",
                            ",",
                            "9.9.9.9,",
                            "unknown",
                            "localhost",
                            "_hidden",
                            "9.9.9",
                            "9.9.9.9.9",
                            "09.9.9.9",
                            "9.9.9.9:",
                            "9.9.9.9:x",
                            "9.9.9.9:123456",
                            "[9.9.9.9]",
                            "[2001:db8::1",
                            "2001:db8::1]",
                            "[2001:db8::1]x",
                            "[2001:db8::1]:",
                            "fe80::1%eth0",
                            "9.9.9.9 8.8.8.8",
                            "\"9.9.9.9\"",
                            "6.6.6.6, unknown",
                            "6.6.6.6, unknown, 10.0.0.2",
                            "9.9.9.9;"})
    CHECK_EQ(x_for(value), "10.0.0.1");
  for (const char* value : {"", ",", "for", "for=", "for=unknown", "for=_hidden", "9.9.9.9", "proto=https",
                            "for=\"9.9.9.9", "for=9.9.9.9\"", "for=9.9.9.9;for=6.6.6.6", "for=9.9.9.9;proto=",
                            "for=9.9.9.9;", "for=6.6.6.6, for=unknown", "for=6.6.6.6,", "for=\"9.9.9.9\\\""}) {
    const bool ends_in_semicolon = std::string_view(value) == "for=9.9.9.9;";
    CHECK_EQ(by_forwarded(value), ends_in_semicolon ? "9.9.9.9" : "10.0.0.1");
  }
}

TEST_CASE(fields_that_name_different_clients_are_not_believed) {
  // A proxy that writes one of them hands on the other as the client wrote it.
  CHECK_EQ(behind_proxy("X-Forwarded-For: 9.9.9.9\r\nForwarded: for=6.6.6.6\r\n"), "10.0.0.1");
  CHECK_EQ(behind_proxy("X-Forwarded-For: 9.9.9.9\r\nForwarded: for=unknown\r\n"), "10.0.0.1");
  CHECK_EQ(behind_proxy("X-Forwarded-For: unknown\r\nForwarded: for=6.6.6.6\r\n"), "10.0.0.1");
  CHECK_EQ(behind_proxy("X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\n"), "9.9.9.9");
}

TEST_CASE(the_scheme_is_the_proxys_word_where_it_does_not_contradict_itself) {
  CHECK(is_https("X-Forwarded-Proto: https\r\n"));
  CHECK(is_https("X-Forwarded-Proto: HTTPS, https\r\n"));
  CHECK(is_https("X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9;proto=https\r\n"));
  CHECK(!is_https("X-Forwarded-Proto: http\r\n", true));
  CHECK(!is_https("Forwarded: for=9.9.9.9;proto=http\r\n", true));
  for (const char* fields :
       {"", "X-Forwarded-Proto: http, https\r\n", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n",
        "X-Forwarded-Proto: wss\r\n", "X-Forwarded-Proto: \r\n", "X-Forwarded-Proto: https,\r\n",
        "X-Forwarded-Proto: https\r\nForwarded: for=9.9.9.9;proto=http\r\n",
        "X-Forwarded-Proto: http\r\nForwarded: for=9.9.9.9;proto=https\r\n", "Forwarded: for=9.9.9.9;proto=x\r\n"}) {
    CHECK(!is_https(fields, false));
    CHECK(is_https(fields, true));
  }
}

TEST_CASE(networks_hold_what_their_prefix_says) {
  CHECK(trusts({"10.1.2.3"}, "10.1.2.3") && !trusts({"10.1.2.3"}, "10.1.2.2"));
  CHECK(trusts({"10.1.2.3/31"}, "10.1.2.2") && !trusts({"10.1.2.3/31"}, "10.1.2.4"));
  CHECK(trusts({"172.16.0.0/12"}, "172.31.255.255") && !trusts({"172.16.0.0/12"}, "172.32.0.0"));
  CHECK(trusts({"128.0.0.0/1"}, "255.0.0.1") && !trusts({"128.0.0.0/1"}, "127.0.0.1"));
  CHECK(trusts({"2001:db8::/33"}, "2001:db8:7fff::1") && !trusts({"2001:db8::/33"}, "2001:db8:8000::1"));
  CHECK(trusts({"::1", "127.0.0.1"}, "127.0.0.1") && !trusts({"::1", "127.0.0.1"}, "127.0.0.2"));
  CHECK(trusts({"::ffff:10.0.0.0/104"}, "10.9.9.9") && !trusts({"::ffff:10.0.0.0/104"}, "11.0.0.0"));
  CHECK(!trusts({"::/1"}, "10.0.0.1"));
  CHECK(!TrustedProxies().contains(*net::ip_bytes("127.0.0.1")));
}

TEST_CASE(what_is_no_network_is_refused) {
  for (const char* text : {"", "localhost", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
                           "10.0.0/8", "::/129", "[::1]", "10.0.0.1:80", "/8", "0.0.0.0/0", "::/0", "::ffff:0:0/96"})
    CHECK_FAILS(TrustedProxies::parse({text}), Code::invalid);
}
