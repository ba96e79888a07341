// Proves that the keys of a URL are fetched at start, when they are old and when a request asks; that what is no good
// answer changes nothing; and that the last good set is there after a restart. A scripted server on a loopback socket;
// the clock is manual.

#include "src/auth/jwks_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "src/auth/jwks_copy.h"
#include "src/auth/jwt.h"
#include "src/auth/small_file.h"
#include "src/auth/token_cache.h"
#include "src/base/metrics.h"
#include "src/loop/spawn.h"
#include "tests/unit/auth/key_pairs.h"
#include "tests/unit/auth/token_cases.h"
#include "tests/unit/net/client_world.h"

namespace bobbin::auth {
namespace {

using net::test::PeerConnection;
using net::test::PeerListener;

std::string answer(const std::string& body, const std::string& headers = "", const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}
std::string set_with(const char* kid) {
  return "{\"keys\":[" + ec_pair().jwk(",\"kid\":\"" + std::string(kid) + "\"") + "]}";
}

// A source that runs, and the issuer that it asks.
class Issuer {
 public:
  Issuer() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    start();
  }
  ~Issuer() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  void start() {
    source.emplace(CHECK_OK(parse_jwks_url(server.url("/keys"))), directory_, ring);
    source->load_copy();
    scope.emplace();
    gate.emplace();
    spawn(*gate, source->run(world.loop, *world.client, pool, *scope));
  }
  void stop() {
    scope->request();
    world.until([&] { return gate->count() == 0; });
  }
  // As a new process would.
  void restart() {
    stop();
    ring.replace({});
    start();
  }
  // Answers the fetch that comes, and waits until it has been taken.
  void serve(const std::string& bytes) {
    const uint64_t before = ended_fetches();
    PeerConnection peer = server.accept();
    CHECK(peer.read_request().starts_with("GET /keys HTTP/1.1\r\n"));
    peer.send(bytes);
    peer.close();
    world.until([&] { return ended_fetches() != before; });
    world.settle();
  }
  [[nodiscard]] std::string key_id() const { return ring.keys()->empty() ? "" : ring.keys()->front().id; }
  // Lets so much time pass and checks that nothing was fetched before. What is then fetched has to be served.
  void wait_for_fetch(int64_t seconds) {
    // The pause begins once the copy has been written, on another thread.
    settle_disk();
    world.loop.advance_ms(static_cast<uint64_t>(seconds) * 1000 - 1);
    CHECK(!server.has_client());
    world.loop.advance_ms(1);
  }
  void settle_disk() {
    struct Nothing final : BlockingJob {
      void work() noexcept override {}
    };
    // One thread: what was queued before is done when this is.
    bool is_done = false;
    Nothing job;
    Gate work;
    spawn(work, run_job(&job, &is_done));
    world.until([&] { return is_done; });
    world.settle();
  }

  net::test::World world;
  PeerListener server{world};
  BlockingPool pool{1, 16};
  KeyRing ring;
  std::optional<JwksSource> source;
  std::optional<CancelScope> scope;
  std::optional<Gate> gate;
  const std::string directory_ = "/tmp/bobbin-jwks-source-test-" + std::to_string(::getpid());

 private:
  Task<void> run_job(BlockingJob* job, bool* is_done) {
    static_cast<void>(co_await job->run(pool, world.loop));
    *is_done = true;
  }
  static uint64_t ended_fetches() {
    return metrics::read(metrics::Counter::jwks_fetches) + metrics::read(metrics::Counter::jwks_fetch_failures);
  }
};

TEST_CASE(keys_are_fetched_at_start_and_when_they_are_old) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  CHECK_EQ(issuer.key_id(), "k1");
  issuer.wait_for_fetch(kJwksAgeS);
  issuer.serve(answer(set_with("k2"), "Cache-Control: public, max-age=600\r\n"));
  CHECK_EQ(issuer.key_id(), "k2");
  issuer.wait_for_fetch(600);
  issuer.serve(answer(set_with("k2"), "Cache-Control: max-age=5\r\n"));
  issuer.wait_for_fetch(kJwksAgeMinS);
  issuer.serve(answer(set_with("k2"), "Cache-Control: max-age=99999999\r\n"));
  issuer.wait_for_fetch(kJwksAgeMaxS);
  issuer.serve(answer(set_with("k2"), "Cache-Control: no-cache\r\n"));
  issuer.wait_for_fetch(kJwksAgeS);
  issuer.serve(answer(set_with("k2"), "Cache-Control: x, MAX-AGE=900\r\nAge: 100\r\n"));
  issuer.wait_for_fetch(800);
  issuer.serve(answer(set_with("k2"), "Cache-Control: max-age=x\r\n"));
}

TEST_CASE(the_same_answer_changes_nothing) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  const uint64_t version = issuer.ring.version();
  issuer.wait_for_fetch(kJwksAgeS);
  issuer.serve(answer(set_with("k1")));
  CHECK_EQ(issuer.ring.version(), version);
}

TEST_CASE(what_is_no_good_answer_leaves_the_last_good_set_and_is_tried_again_ever_later) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  issuer.wait_for_fetch(kJwksAgeS);
  const std::string bad[] = {answer("<html>"),
                             answer("{}"),
                             answer(R"({"keys":[]})"),
                             answer(R"({"keys":[{"kty":"oct","kid":"k1","k":"AAAA"}]})"),
                             answer(set_with("k2"), "", "500 Oops"),
                             answer(set_with("k2"), "", "404 Not Found"),
                             answer("", "Location: https://elsewhere.example/keys\r\n", "302 Found"),
                             answer(set_with("k2") + std::string(256 * 1024, ' ')),
                             "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + set_with("k2"),
                             "rubbish\r\n\r\n"};
  int64_t retry_s = kJwksRetryFirstS;
  for (const std::string& bytes : bad) {
    issuer.serve(bytes);
    CHECK_EQ(issuer.key_id(), "k1");
    issuer.wait_for_fetch(retry_s);
    retry_s = std::min(2 * retry_s, kJwksRetryMaxS);
  }
  CHECK_EQ(retry_s, kJwksRetryMaxS);
  issuer.serve(answer(set_with("k3")));
  CHECK_EQ(issuer.key_id(), "k3");
  issuer.wait_for_fetch(kJwksAgeS);
  issuer.serve("");
  issuer.wait_for_fetch(kJwksRetryFirstS);
  issuer.serve(answer(set_with("k3")));
}

TEST_CASE(an_issuer_that_says_nothing_is_given_up_after_5_s) {
  Issuer issuer;
  const uint64_t failures = metrics::read(metrics::Counter::jwks_fetch_failures);
  PeerConnection peer = issuer.server.accept();
  peer.read_request();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
  issuer.world.settle();
  issuer.world.loop.advance_ms(kJwksFetchMs - 1);
  issuer.world.settle();
  CHECK_EQ(metrics::read(metrics::Counter::jwks_fetch_failures), failures);
  issuer.world.loop.advance_ms(1);
  issuer.world.until([&] { return metrics::read(metrics::Counter::jwks_fetch_failures) == failures + 1; });
}

Task<void> ask(JwksSource* source, Loop* loop, bool* is_told) {
  *is_told = co_await source->desk().wait_for_fetch(*loop);
}

TEST_CASE(a_request_that_asks_is_told_when_the_newer_keys_are_there) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  issuer.settle_disk();
  bool is_told = false;
  Gate requests;
  spawn(requests, ask(&*issuer.source, &issuer.world.loop, &is_told));
  PeerConnection peer = issuer.server.accept();
  peer.read_request();
  CHECK(!is_told);
  peer.send(answer(set_with("k2")));
  issuer.world.until([&] { return is_told; });
  CHECK_EQ(issuer.key_id(), "k2");
}

TEST_CASE(the_end_tells_who_waits) {
  Issuer issuer;
  bool is_told = false;
  Gate requests;
  spawn(requests, ask(&*issuer.source, &issuer.world.loop, &is_told));
  issuer.world.settle();
  CHECK_EQ(requests.count(), size_t{1});
  issuer.stop();
  issuer.world.until([&] { return requests.count() == 0; });
  issuer.start();
}

TEST_CASE(a_token_does_not_outlive_its_key) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  const TokenVerifier verifier(kSecret, {.ring = &issuer.ring});
  TokenCache cache(verifier);
  const std::string token =
      ec_pair().token("ES256", R"({"alg":"ES256","kid":"k1"})", R"({"sub":"ada","exp":1900000000})");
  CHECK_OK(cache.verify(token, kNowS));
  CHECK_OK(cache.verify(token, kNowS));
  CHECK_EQ(cache.hits(), uint64_t{1});
  issuer.wait_for_fetch(kJwksAgeS);
  issuer.serve(answer(set_with("k2")));
  CHECK_FAILS(cache.verify(token, kNowS), Code::unauthorized);
  CHECK_EQ(cache.size(), size_t{0});
}

TEST_CASE(the_last_good_set_is_there_after_a_restart_without_the_issuer) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  issuer.settle_disk();
  struct stat info {};
  CHECK_EQ(::stat((issuer.directory_ + "/jwks.json").c_str(), &info), 0);
  CHECK_EQ(info.st_mode & 0777, mode_t{0600});
  issuer.restart();
  CHECK_EQ(issuer.key_id(), "k1");
  issuer.serve(answer("down", "", "503 Down"));
  CHECK_EQ(issuer.key_id(), "k1");
}

TEST_CASE(a_copy_of_another_url_or_a_damaged_one_is_not_used) {
  Issuer issuer;
  issuer.serve(answer(set_with("k1")));
  issuer.settle_disk();
  CHECK_OK(load_jwks_copy(issuer.directory_, issuer.server.url("/keys")));
  CHECK_FAILS(load_jwks_copy(issuer.directory_, issuer.server.url("/keys2")), Code::not_found);
  CHECK_FAILS(load_jwks_copy(issuer.directory_ + "/none", issuer.server.url("/keys")), Code::not_found);
  for (const std::string& damaged : {std::string("{\"url\":"), std::string("{}"), std::string("[]"), std::string(),
                                     "{\"url\":\"" + issuer.server.url("/keys") + "\",\"jwks\":\"{}\"}"}) {
    CHECK_OK(replace_small_file(issuer.directory_ + "/jwks.json", damaged));
    issuer.restart();
    CHECK_EQ(issuer.key_id(), "");
    issuer.serve("");
  }
}

TEST_CASE(only_https_and_this_machine_are_asked) {
  for (const char* good : {"https://id.example/.well-known/jwks.json", "http://127.0.0.1:9999/keys",
                           "http://localhost/keys", "http://[::1]:1/keys"}) {
    CHECK_OK(parse_jwks_url(good));
  }
  for (const char* bad : {"http://id.example/keys", "http://10.0.0.1/keys", "ftp://id.example/keys", "file:///etc/keys",
                          "https://user:password@id.example/keys", "https://", "http://127.0.0.1.evil.example/keys"}) {
    CHECK_FAILS(parse_jwks_url(bad), Code::invalid);
  }
  CHECK(is_jwks_url("https://id.example/keys"));
  CHECK(!is_jwks_url("keys.json"));
  CHECK(!is_jwks_url("/etc/bobbin/keys.json"));
}

}  // namespace
}  // namespace bobbin::auth
