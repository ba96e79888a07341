#pragma once

#include <memory>
#include <thread>

#include "src/api/api.h"
#include "src/auth/jwks_source.h"
#include "src/cli/model_choice.h"
#include "src/net/http_client.h"
#include "src/net/http_server.h"
#include "src/tools/make_toolbox.h"

namespace bobbin::cli {

// What all workers share; outlives them. All of it is thread-safe or constant.
struct Shared {
  store::Store& store;
  BlockingPool& pool;
  chat::RunDirectory& directory;
  chat::FeedRelay& feed_relay;
  api::RateLimiter& rate_limiter;
  const auth::TokenVerifier& verifier;
  auth::JwksSource* jwks;  // null: no key set is fetched
  auth::LoginLinks& login_links;
  auth::Revocations& revocations;
  auth::SignInDelays& sign_in_delays;
  BlockingPool& hash_pool;
  const auth::AccountOptions& account_options;
  const api::ApiOptions& api_options;
  const chat::EngineOptions& engine_options;
  const net::HttpClientOptions& client_options;
  const ModelChoice& model_choice;
  upstream::FoundServerBoard& found_servers;
  const tools::ToolsConfig& tools_config;
  const net::CurrentTls* tls;  // null: plain HTTP
  int64_t started_us;
};

// One thread, one loop, and everything on it. The main thread makes it, starts it, and later asks it to stop in steps,
// so that no worker's loop ends while another may still send it mail.
class Worker {
 public:
  explicit Worker(const Shared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Before start(). Errors: io.
  Result<void> listen(const net::BoundAddress& address) { return server_.listen(address); }
  // Before start(), on one worker: fetches the issuer's keys, looks for a model server, where the options leave that to
  // us, and then goes on with what waited when the last process ended.
  void begin_background(std::vector<store::UnfinishedThread> unfinished);
  void start();

  // From the main thread. No new connections and runs; active runs go on.
  void begin_drain();
  // Ends active runs as `interrupted`.
  void interrupt();
  // Closes what is still open: clients that do not read.
  void close_connections();
  // True when everything has ended; waits for it at most `timeout_ms`.
  bool wait_drained(uint64_t timeout_ms);
  // After every worker has drained: ends the loop and the thread.
  void stop();

 private:
  // Runs a member function on the worker's own thread. Frees itself.
  struct Order;
  void order(void (Worker::*step)());
  void drain_on_loop();
  void interrupt_on_loop() { engine_.interrupt_all(); }
  void close_connections_on_loop() { server_.close_all(); }
  void stop_on_loop() { loop_.close(); }
  void background_on_loop();
  Task<void> background();
  Task<void> drain();
  void announce_drained();

  Loop loop_;
  net::HttpClient client_;
  BlockingPool& pool_;
  auth::JwksSource* const jwks_;
  WorkerModel model_;
  const std::unique_ptr<tools::Toolbox> toolbox_;
  const std::unique_ptr<store::RunLogWriter> run_log_;
  chat::Engine engine_;
  chat::FeedHub feeds_;
  api::ModelCatalog models_;
  auth::TokenCache tokens_;
  auth::AccountGate gate_;
  auth::Accounts accounts_;
  api::Services services_;
  api::Api api_;
  net::HttpServer server_;
  std::vector<store::UnfinishedThread> unfinished_;
  CancelScope background_scope_;
  Gate background_work_;
  Gate drain_work_;
  std::thread thread_;

  std::mutex drained_mutex_;
  std::condition_variable drained_changed_;
  bool drained_ = false;
};

}  // namespace bobbin::cli
