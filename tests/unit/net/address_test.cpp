#include "src/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "tests/support/test.h"

// Which resolved addresses count as public: a table of both kinds, with the edges of each range.
namespace bobbin::net {
namespace {

bool is_public(const std::string& text) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) return is_public_address(reinterpret_cast<sockaddr&>(v4));
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  CHECK(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1);
  return is_public_address(reinterpret_cast<sockaddr&>(v6));
}

TEST_CASE(addresses_of_the_internet_are_public) {
  for (const char* address :
       {"1.1.1.1",         "8.8.8.8",     "9.255.255.255",        "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",   "169.253.255.255",      "169.255.0.0",     "172.15.255.255", "172.32.0.0",
        "192.0.1.0",       "192.0.3.0",   "192.167.255.255",      "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2003::1",        "3ffe::1",
        "3fff:1000::1"}) {
    if (!is_public(address)) throw bobbin::test::Failure(std::string(address) + " should be public");
  }
}

TEST_CASE(addresses_that_could_be_somebodys_own_network_are_not_public) {
  for (const char* address :
       {"0.0.0.0",      "0.1.2.3",         "10.0.0.1",        "10.255.255.255",  "100.64.0.0",     "100.127.255.255",
        "127.0.0.1",    "127.255.255.255", "169.254.169.254", "172.16.0.0",      "172.31.255.255", "192.0.0.8",
        "192.0.2.1",    "192.88.99.1",     "192.168.0.1",     "192.168.255.255", "198.18.0.0",     "198.19.255.255",
        "198.51.100.7", "203.0.113.9",     "224.0.0.1",       "239.255.255.255", "240.0.0.1",      "255.255.255.255"}) {
    if (is_public(address)) throw bobbin::test::Failure(std::string(address) + " should not be public");
  }
  for (const char* address : {"::",
                              "::1",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "::ffff:0:8.8.8.8",
                              "::8.8.8.8",
                              "64:ff9b::8.8.8.8",
                              "64:ff9b::10.0.0.1",
                              "64:ff9b:1::1",
                              "100::1",
                              "2001::1",
                              "2001:0:53aa:64c::1",
                              "2001:10::1",
                              "2001:1ff::1",
                              "2001:db8::1",
                              "2002:a00:1::1",
                              "3fff::1",
                              "3fff:fff::1",
                              "5f00::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "fe80::1",
                              "febf::1",
                              "fec0::1",
                              "ff02::1"}) {
    if (is_public(address)) throw bobbin::test::Failure(std::string(address) + " should not be public");
  }
}

TEST_CASE(another_family_is_not_public) {
  sockaddr unknown = {};
  unknown.sa_family = AF_UNIX;
  CHECK(!is_public_address(unknown));
  CHECK(is_any_address(unknown));
}

}  // namespace
}  // namespace bobbin::net
