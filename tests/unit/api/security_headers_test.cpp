// Proves for which hosts browsers are told to insist on HTTPS, and which origins can be allowed.

#include "src/api/security_headers.h"

#include "src/api/cors.h"
#include "tests/support/test.h"

using namespace bobbin;
using namespace bobbin::api;

TEST_CASE(only_public_names_may_be_bound_to_https) {
  for (const char* host : {"chat.example.com", "chat.example.com:8443", "Example.COM", "example.com.", "a.locals",
                           "mylocal.example", "xn--bcher-kva.example"})
    CHECK(may_insist_on_https(host));
  for (const char* host : {"",
                           "localhost",
                           "localhost:8787",
                           "LOCALHOST",
                           "app.localhost",
                           "box",
                           "box:443",
                           "box.local",
                           "Box.LOCAL:8787",
                           "box.local.",
                           "nas.lan",
                           "nas.home",
                           "nas.home.arpa",
                           "x.internal",
                           "127.0.0.1",
                           "127.0.0.1:8787",
                           "192.168.1.2",
                           "8.8.8.8",
                           "[::1]",
                           "[2001:db8::1]:8787"})
    CHECK(!may_insist_on_https(host));
}

TEST_CASE(every_answer_has_a_policy_that_lets_nothing_run) {
  bool found = false;
  for (const http::HeaderField field : security_fields()) {
    CHECK(http::is_token(field.name) && http::is_header_value(field.value));
    found |= field.name == "Content-Security-Policy" && field.value.starts_with("default-src 'none'");
  }
  CHECK(found);
}

TEST_CASE(origins_are_those_that_browsers_send) {
  CHECK_OK(check_origins({}));
  CHECK_OK(check_origins({"*"}));
  CHECK_OK(check_origins({"https://a.example", "http://localhost:5173", "http://[::1]:8080", "http://[fd00::2]",
                          "https://b:8443", "capacitor://localhost", "chrome-extension://abcdef"}));
  for (const char* origin :
       {"", "null", "a.example", "https://", "://a", "https://a.example/", "https://a.example/x", "https://A.example",
        "HTTPS://a", "https://a b", "https://a,b", "https://u@a", "https://*.a", "https://a?x", "https://a#x",
        "https://a:443", "http://a:80", "https://a:", "https://a:x"})
    CHECK_FAILS(check_origins({origin}), Code::invalid);
  CHECK_FAILS(check_origins({"*", "https://a.example"}), Code::invalid);
}
