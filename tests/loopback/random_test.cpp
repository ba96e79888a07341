// Proves that order and content hold whatever the mixture: pipelined requests of all framings, cut anywhere, answered
// at once, later, or as streams, to readers that pause. BOBBIN_TEST_SEED repeats a run.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>

#include "src/net/current_tls.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test.h"
#include "tests/support/test_certificates.h"

using namespace bobbin;
using namespace bobbin::test;
using bobbin::net::test::TestAuthority;

namespace {

struct Mixture {
  explicit Mixture(uint32_t seed) : random(seed) {}
  size_t below(size_t bound) { return random() % bound; }

  // A request whose target is its number and whose body is `body`.
  std::string request(size_t number, const std::string& body) {
    const std::string line = "POST /" + std::to_string(number) + " HTTP/1.1\r\nHost: a\r\n";
    if (below(2) == 0) return line + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    std::string chunks;
    for (size_t at = 0; at < body.size();) {
      const size_t size = std::min(body.size() - at, 1 + below(300));
      char size_line[16];
      std::snprintf(size_line, sizeof size_line, "%zx\r\n", size);
      chunks += size_line + body.substr(at, size) + "\r\n";
      at += size;
    }
    return line + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n";
  }

  std::mt19937 random;
};

struct Pending {
  net::Responder responder;
  std::string text;
  bool as_stream;
};

void finish(Mixture& mixture, Pending& pending) {
  if (!pending.as_stream) {
    pending.responder.send({.body = std::move(pending.text)});
    return;
  }
  pending.responder.begin_stream({});
  for (size_t at = 0; at < pending.text.size();) {
    const size_t size = 1 + mixture.below(2'000);
    CHECK(pending.responder.write(std::string_view(pending.text).substr(at, size)) != net::WriteState::gone);
    at += size;
  }
  pending.responder.end();
}

void check_mixtures(bool over_tls) {
  const char* given = std::getenv("BOBBIN_TEST_SEED");
  const uint32_t seed =
      given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::printf("BOBBIN_TEST_SEED=%u\n", seed);
  Mixture mixture(seed);
  TestAuthority authority;
  const auto files = authority.issue({.names = {"DNS:localhost"}});
  const net::CurrentTls tls(CHECK_OK(net::TlsContext::make_server(files.certificate, files.key)));
  const auto client_tls = CHECK_OK(net::TlsContext::make_client(authority.file()));
  for (int round = 0; round < 30; ++round) {
    std::deque<Pending> pending;
    const net::HttpServer::Options options{.send_buffer_bytes = 8192, .tls = over_tls ? &tls : nullptr};
    LoopbackServer server(options, [&](net::Request&& request, net::Responder responder) {
      std::string text(request.head.target());
      text += ' ' + request.body;
      if (mixture.below(4) == 0) text += std::string(mixture.below(60'000), 'L');
      Pending next{responder, std::move(text), mixture.below(3) == 0};
      if (mixture.below(2) == 0) return finish(mixture, next);
      pending.push_back(std::move(next));
    });
    const ConnId conn = over_tls ? server.connect_tls(*client_tls, 8192) : server.connect(8192);
    std::string requests;
    std::vector<std::string> expected;
    for (size_t number = 0; number < 60; ++number) {
      const std::string body(mixture.below(mixture.below(10) == 0 ? 20'000 : 100),
                             static_cast<char>('a' + number % 26));
      requests += mixture.request(number, body);
      expected.push_back("/" + std::to_string(number) + " " + body);
    }
    for (size_t at = 0; at < requests.size();) {
      const size_t size = 1 + mixture.below(mixture.below(5) == 0 ? 30'000 : 500);
      if (mixture.below(8) == 0) server.pause(conn);
      server.send(conn, std::string_view(requests).substr(at, size));
      at += size;
      server.resume(conn);
      if (!pending.empty() && mixture.below(2) == 0) {
        finish(mixture, pending.front());
        pending.pop_front();
      }
    }
    for (const std::string& start : expected) {
      Answer answer;
      CHECK(server.run_until([&] {
        if (!pending.empty()) {
          finish(mixture, pending.front());
          pending.pop_front();
        }
        answer = take_answer(server.received(conn));
        return answer.is_complete;
      }));
      CHECK(answer.body.starts_with(start));
      CHECK_EQ(answer.body.find_first_not_of('L', start.size()), std::string::npos);
    }
    CHECK(server.is_open(conn));
    CHECK_EQ(server.received(conn), "");
  }
}

}  // namespace

TEST_CASE(any_mixture_is_answered_in_order) { check_mixtures(false); }
TEST_CASE(any_mixture_is_answered_in_order_over_tls) { check_mixtures(true); }
