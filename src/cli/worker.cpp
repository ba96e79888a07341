#include "src/cli/worker.h"

#include "src/api/security_headers.h"
#include "src/loop/spawn.h"

namespace bobbin::cli {

struct Worker::Order final : Mail {
  Order(Worker& worker_in, void (Worker::*step_in)()) : worker(worker_in), step(step_in) {}
  void deliver() noexcept override {
    const std::unique_ptr<Order> self(this);
    (worker.*step)();
  }
  Worker& worker;
  void (Worker::*step)();
};

Worker::Worker(const Shared& shared)
    : client_(loop_, shared.client_options),
      pool_(shared.pool),
      jwks_(shared.jwks),
      model_(make_model(shared.model_choice, loop_, client_, shared.found_servers)),
      toolbox_(tools::make_toolbox(shared.tools_config, loop_, client_)),
      run_log_(shared.store.run_log().make_writer()),
      engine_({loop_, shared.store, shared.pool, *model_.model, *toolbox_, shared.directory, *run_log_},
              shared.engine_options),
      feeds_(loop_, shared.pool, shared.store, shared.feed_relay),
      models_(loop_, *model_.model),
      tokens_(shared.verifier),
      gate_(loop_, shared.pool, shared.store, shared.revocations),
      accounts_({loop_, shared.pool, shared.hash_pool, shared.store, shared.revocations, shared.sign_in_delays},
                shared.account_options),
      services_{.loop = loop_,
                .pool = shared.pool,
                .store = shared.store,
                .engine = engine_,
                .feeds = feeds_,
                .model = *model_.model,
                .models = models_,
                .rate_limiter = shared.rate_limiter,
                .tokens = tokens_,
                .key_refresh = shared.jwks != nullptr ? &shared.jwks->desk() : nullptr,
                .gate = gate_,
                .accounts = accounts_,
                .revocations = shared.revocations,
                .login_links = shared.login_links,
                .options = shared.api_options,
                .started_us = shared.started_us},
      api_(services_),
      server_(loop_, {.common_fields = api::security_fields(), .tls = shared.tls}, api_) {}

Worker::~Worker() { BOBBIN_ASSERT(!thread_.joinable()); }

void Worker::begin_background(std::vector<store::UnfinishedThread> unfinished) {
  unfinished_ = std::move(unfinished);
  order(&Worker::background_on_loop);
}

void Worker::background_on_loop() {
  if (jwks_ != nullptr) spawn(background_work_, jwks_->run(loop_, client_, pool_, background_scope_));
  spawn(background_work_, background());
}

Task<void> Worker::background() {
  upstream::AutoModel* automatic = model_.automatic;
  // What waits should be answered by a model that is there, not by the stand-in.
  const bool is_over = automatic == nullptr || co_await automatic->search_once(background_scope_);
  if (!background_scope_.is_requested()) engine_.resume_queues(std::exchange(unfinished_, {}));
  if (!is_over) co_await automatic->search_on(background_scope_);
}

void Worker::start() {
  thread_ = std::thread([this] {
    loop_.run();
    release_frame_pool();
  });
}

void Worker::order(void (Worker::*step)()) {
  auto order = std::make_unique<Order>(*this, step);
  loop_.mailbox().post(*order.release());
}

void Worker::begin_drain() { order(&Worker::drain_on_loop); }
void Worker::interrupt() { order(&Worker::interrupt_on_loop); }
void Worker::close_connections() { order(&Worker::close_connections_on_loop); }

void Worker::drain_on_loop() {
  engine_.begin_drain();
  feeds_.begin_drain();
  accounts_.begin_drain();
  server_.begin_drain();
  background_scope_.request();
  spawn(drain_work_, drain());
}

namespace {

// Lets everything happen that waits in a mailbox.
struct MailboxTurn final : Mail {
  void deliver() noexcept override { delivered.complete(); }
  Completion delivered;
};

}  // namespace

Task<void> Worker::drain() {
  MailboxTurn turn;
  loop_.mailbox().post(turn);
  co_await turn.delivered;    // other workers' mail about our runs: none is sent once the engine drains
  co_await server_.closed();  // every request has been answered, or its client is gone
  co_await api_.close();
  co_await gate_.close();
  co_await feeds_.close();
  co_await engine_.close();  // runs whose clients are gone
  co_await background_work_.close();
  co_await toolbox_->close();
  co_await client_.begin_close();
  announce_drained();
}

void Worker::announce_drained() {
  const std::lock_guard lock(drained_mutex_);
  drained_ = true;
  drained_changed_.notify_all();
}

bool Worker::wait_drained(uint64_t timeout_ms) {
  std::unique_lock lock(drained_mutex_);
  return drained_changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return drained_; });
}

void Worker::stop() {
  order(&Worker::stop_on_loop);
  thread_.join();
}

}  // namespace bobbin::cli
