// bobbin serve: builds the parts, runs them, and takes them apart on a signal.

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "proto_http/url.h"
#include "src/api/cors.h"
#include "src/auth/base64url.h"
#include "src/auth/jwks.h"
#include "src/base/log.h"
#include "src/cli/commands.h"
#include "src/cli/control_server.h"
#include "src/cli/listen_address.h"
#include "src/cli/server_certificate.h"
#include "src/cli/worker.h"
#include "src/net/address.h"
#include "src/tools/tools_config.h"
#include "storage/retention.h"

namespace bobbin::cli {
namespace {

// EX_IOERR of sysexits.h: the disk failed, nothing more can be promised.
constexpr int kDiskFailedExitCode = 74;
// How long the end may take once running answers have been interrupted, and once connections have been closed.
constexpr uint64_t kInterruptedMs = 5'000;
constexpr uint64_t kClosedMs = 5'000;
constexpr int64_t kLoginLinkTtlS = 24 * 3600;
// Scans, and rows that are not in memory. They are short; more threads would only queue in the device.
constexpr size_t kReadThreads = 4;
constexpr size_t kReadQueueMax = 4096;
// Each password that is hashed takes 19 MiB and some 30 ms: one at a time, so that no flood of sign-ins takes memory
// and cores from those who chat. Two seconds of work may wait.
constexpr size_t kHashThreads = 1;
constexpr size_t kHashQueueMax = 64;

void on_disk_failed(const Error& error) noexcept {
  log::error("the disk failed; ending", {{"error", error.detail}, {"errno", error.number}});
  log::flush();
  _exit(kDiskFailedExitCode);
}

// How often what comes to its end is looked after.
constexpr time_t kMaintenanceS = 3600;

int64_t wall_now_s() noexcept { return wall_now_us() / 1'000'000; }

// SIGTERM, SIGINT and SIGHUP are taken by the main thread alone; a peer that hangs up is an error of its write, not a
// signal.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Every connection is a descriptor: ask for as many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// glibc raises its thresholds with the largest block that was ever freed, and then keeps such blocks: one page of 16
// MiB would stay for good. Fixed, such blocks come from and go back to the system.
void keep_heap_small() {
  // NOLINTBEGIN(concurrency-mt-unsafe): before there are threads
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 512 * 1024);
  mallopt(M_ARENA_MAX, 4);
  // NOLINTEND(concurrency-mt-unsafe)
}

chat::Titles titles(const std::string& name) noexcept {
  if (name == "after") return chat::Titles::after;
  return name == "during" ? chat::Titles::during : chat::Titles::off;
}

auth::Registration registration(const std::string& name) noexcept {
  if (name == "open") return auth::Registration::open;
  return name == "invite" ? auth::Registration::invite : auth::Registration::closed;
}

// The secret that makes the first admin, where accounts can be made and there is none yet; empty: none. It is as good
// as an admin, so only who can read what the server prints has it.
Result<std::string> make_set_up_secret(const store::Store& store, auth::Registration registration) {
  if (registration == auth::Registration::closed) return std::string();
  TRY_ASSIGN(const bool has_admin, store.accounts().has_admin(store::Tier::any));
  return has_admin ? std::string() : auth::random_secret(32);
}

log::Level log_level(const std::string& name) noexcept {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  if (name == "error") return log::Level::error;
  return log::Level::info;
}

size_t worker_count(const ServeOptions& options) {
  if (options.workers > 0) return options.workers;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 0 ? cores : 1;
}

// A link that opens in a browser on this machine also where the server listens on every address.
std::string browser_url(const std::string& scheme, const net::BoundAddress& address, const std::string& host) {
  if (host == "0.0.0.0" || host == "::") return scheme + "127.0.0.1:" + std::to_string(address.port());
  return scheme + address.to_string();
}

// Nullptr: without TLS.
Result<std::unique_ptr<ServerCertificate>> load_certificate(const ServeOptions& options) {
  if (options.tls_self_signed) return ServerCertificate::load_self_signed(options.data, wall_now_s());
  if (options.tls_cert.empty()) return std::unique_ptr<ServerCertificate>();
  return ServerCertificate::load(options.tls_cert, options.tls_key, wall_now_s());
}

struct Limits {
  api::RateLimits rates;
  uint32_t runs;
};

// What the options leave open is unlimited where only this machine can call, by itself or through no proxy that we know
// of: there the only user is its owner. Else far above what a person with a few tabs does.
Limits choose_limits(const ServeOptions& options, const std::string& host) {
  const bool is_private = net::is_loopback_host(host) && options.trusted_proxies.empty();
  return {.rates = {.requests = options.limit_requests.value_or(is_private ? 0 : 600),
                    .address_requests = options.limit_address_requests.value_or(is_private ? 0 : 1200)},
          .runs = options.limit_runs.value_or(is_private ? 0 : 16)};
}

// Where foreign keys come from, as --jwks says it.
struct Jwks {
  auth::KeyRing ring;
  std::unique_ptr<auth::JwksSource> source;  // null unless a URL
};

// Errors: invalid (the URL, or a file without a key that can be used), malformed, too_large, not_found, io.
Result<std::unique_ptr<Jwks>> open_jwks(const ServeOptions& options) {
  auto jwks = std::make_unique<Jwks>();
  if (options.jwks.empty()) return jwks;
  if (!auth::is_jwks_url(options.jwks)) {
    TRY(auth::reload_jwks_file(options.jwks, jwks->ring));
    return jwks;
  }
  TRY_ASSIGN(http::Url url, auth::parse_jwks_url(options.jwks));
  jwks->source = std::make_unique<auth::JwksSource>(std::move(url), options.data, jwks->ring);
  return jwks;
}

// What SIGHUP asks for: files that may have changed are read again, and nobody is disturbed by it. Of what cannot be
// read the last good one stays.
void read_again(const ServeOptions& options, ServerCertificate* certificate, Jwks& jwks) {
  const bool has_key_file = !options.jwks.empty() && jwks.source == nullptr;
  if (certificate == nullptr && !has_key_file) return log::info("SIGHUP: there is nothing to read again");
  if (certificate != nullptr) certificate->reload(wall_now_s());
  if (!has_key_file) return;
  const Result<void> read = auth::reload_jwks_file(options.jwks, jwks.ring);
  if (read) return log::info("SIGHUP: the key set is read again", {{"file", options.jwks}});
  log::error("SIGHUP: the key set cannot be read again: the last one stays",
             {{"file", options.jwks}, {"why", read.error().detail}});
}

// Does what there is to do while others serve, until SIGTERM or SIGINT, or until the terminal that it was started in
// is gone; returns the signal.
int wait_for_end(const sigset_t& signals, const ServeOptions& options, ServerCertificate* certificate, Jwks& jwks) {
  const bool had_terminal = isatty(STDIN_FILENO) != 0;
  const timespec patience{.tv_sec = kMaintenanceS, .tv_nsec = 0};
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &patience);
    // A terminal that hangs up means the end, as ever; nobody would see a server that goes on.
    if (signal == SIGHUP && !(had_terminal && isatty(STDIN_FILENO) == 0)) {
      read_again(options, certificate, jwks);
    } else if (signal > 0) {
      return signal;
    } else if (certificate != nullptr && errno == EAGAIN) {
      certificate->maintain(wall_now_s());
    }
  }
}

void print_line(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void drain(std::vector<std::unique_ptr<Worker>>& workers, uint64_t grace_ms) {
  const auto all_drained_within = [&](uint64_t ms) {
    const int64_t deadline_us = steady_now_us() + static_cast<int64_t>(ms) * 1000;
    bool all = true;
    for (const auto& worker : workers) {
      const int64_t left_us = deadline_us - steady_now_us();
      all &= worker->wait_drained(left_us > 0 ? static_cast<uint64_t>(left_us) / 1000 : 0);
    }
    return all;
  };
  for (const auto& worker : workers) worker->begin_drain();
  if (all_drained_within(grace_ms)) return;
  for (const auto& worker : workers) worker->interrupt();
  if (all_drained_within(kInterruptedMs)) return;
  for (const auto& worker : workers) worker->close_connections();
  while (!all_drained_within(kClosedMs)) {
    log::warn("still ending what was accepted");
    for (const auto& worker : workers) worker->interrupt();
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  const sigset_t signals = block_signals();
  keep_heap_small();
  raise_descriptor_limit();

  const Result<ListenAddress> listen = parse_listen_address(options.listen);
  if (!listen) return report(listen.error(), "--listen " + options.listen);
  Result<ModelChoice> choice = choose_model(options);
  if (!choice) return report(choice.error(), "--upstream " + options.upstream);
  Result<net::HttpClientOptions> client_options = make_client_options(options);
  if (!client_options) return report(client_options.error(), options.upstream_ca);
  std::string complaint;
  const std::optional<tools::ToolsConfig> tools_config = tools::load_tools_config(options.tools, complaint);
  if (!tools_config) return report_failure(complaint, "--tools " + options.tools);
  if (options.login_link && !auth::is_user_id(options.login_user))
    return report(Error(Code::invalid, 0, "a user id has 1 to 128 bytes without control characters"), "--login-user");
  if (const Result<void> origins = api::check_origins(options.cors_origins); !origins)
    return report(origins.error(), "--cors-origin");
  Result<api::TrustedProxies> trusted_proxies = api::TrustedProxies::parse(options.trusted_proxies);
  if (!trusted_proxies) return report(trusted_proxies.error(), "--trusted-proxy");
  const Result<std::unique_ptr<Jwks>> jwks = open_jwks(options);
  if (!jwks) return report(jwks.error(), "--jwks " + options.jwks);
  const Result<net::BoundAddress> address = net::probe_address(listen->host, listen->port);
  if (!address) return report(address.error(), options.listen);

  log::start(log_level(options.log_level), options.log_format == "json" ? log::Format::json : log::Format::text);
  chat::FeedRelay feed_relay;
  Result<std::unique_ptr<store::Store>> store =
      store::Store::open({.directory = options.data,
                          .block_cache_bytes = size_t{options.block_cache_mib} * 1024 * 1024,
                          .space_low_bytes = uint64_t{options.disk_low_mib} * 1024 * 1024,
                          .reserve_bytes = uint64_t{options.disk_reserve_mib} * 1024 * 1024,
                          .listener = &feed_relay,
                          .keep_s = options.keep_days * store::kSecondsPerDay,
                          .on_fatal = on_disk_failed});
  if (!store) {
    log::stop();
    return report(store.error(), options.data);
  }
  const Result<std::string> secret = find_secret(options.jwt_secret, options.jwt_secret_file, options.data);
  if (!secret) {
    log::stop();
    return report(secret.error(), options.jwt_secret_file.empty() ? "secret" : options.jwt_secret_file);
  }
  Result<std::vector<store::UnfinishedThread>> unfinished = (*store)->unfinished_threads();
  const Result<std::string> set_up_secret = make_set_up_secret(**store, registration(options.registration));
  if (!unfinished || !set_up_secret) {
    log::stop();
    return report(unfinished ? set_up_secret.error() : unfinished.error(), options.data);
  }

  const Result<std::unique_ptr<ServerCertificate>> loaded = load_certificate(options);
  if (!loaded) {
    log::stop();
    return report(loaded.error(), options.tls_self_signed
                                      ? "--tls-self-signed"
                                      : "--tls-cert " + options.tls_cert + " --tls-key " + options.tls_key);
  }
  ServerCertificate* const certificate = loaded->get();

  if ((*jwks)->source) (*jwks)->source->load_copy();
  const auth::TokenVerifier verifier(
      *secret, {.audience = options.jwt_audience, .issuer = options.jwt_issuer, .ring = &(*jwks)->ring});
  auth::LoginLinks login_links;
  BlockingPool pool(kReadThreads, kReadQueueMax);
  BlockingPool hash_pool(kHashThreads, kHashQueueMax);
  auth::Revocations revocations;
  auth::SignInDelays sign_in_delays;
  auth::AccountOptions account_options{
      .registration = registration(options.registration), .secret = *secret, .set_up_hash = std::nullopt};
  if (!set_up_secret->empty()) account_options.set_up_hash = auth::sha256(*set_up_secret);
  const Limits limits = choose_limits(options, listen->host);
  api::RateLimiter rate_limiter(limits.rates);
  chat::RunDirectory directory(limits.runs);
  for (const store::UnfinishedThread& thread : *unfinished)
    directory.add_stored(thread.user, thread.thread, thread.waiting);
  upstream::FoundServerBoard found_servers;
  const api::ApiOptions api_options{.cors_origins = options.cors_origins,
                                    .insist_on_https = !options.tls_self_signed,
                                    .trusted_proxies = std::move(*trusted_proxies),
                                    .secret = *secret};
  const chat::EngineOptions engine_options{
      .context = {.system_prompt = options.system_prompt, .tokens_max = options.context_tokens},
      .log_messages = options.log_messages,
      .memory = options.memory == "on",
      .titles = titles(options.titles)};
  const Shared shared{.store = **store,
                      .pool = pool,
                      .directory = directory,
                      .feed_relay = feed_relay,
                      .rate_limiter = rate_limiter,
                      .verifier = verifier,
                      .jwks = (*jwks)->source.get(),
                      .login_links = login_links,
                      .revocations = revocations,
                      .sign_in_delays = sign_in_delays,
                      .hash_pool = hash_pool,
                      .account_options = account_options,
                      .api_options = api_options,
                      .engine_options = engine_options,
                      .client_options = *client_options,
                      .model_choice = *choice,
                      .found_servers = found_servers,
                      .tools_config = *tools_config,
                      .tls = certificate != nullptr ? &certificate->current() : nullptr,
                      .started_us = wall_now_us()};

  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < worker_count(options); ++i) {
    workers.push_back(std::make_unique<Worker>(shared));
    const Result<void> listening = workers.back()->listen(*address);
    if (!listening) {
      log::stop();
      report(listening.error(), options.listen);
      std::fflush(nullptr);
      _exit(1);  // half-built loops cannot be taken apart, and nothing was accepted yet
    }
  }
  Result<std::unique_ptr<ControlServer>> control =
      ControlServer::start(options.data, [&store](const ControlRequest& request, store::Watch& watch) {
        return run_control_request(**store, request, watch);
      });
  if (!control) {
    // Chats do not depend on it; a file system without sockets is no reason not to serve them.
    log::warn("backups and checks are not possible while this server runs",
              {{"why", control.error().detail}, {"number", control.error().number}});
  }
  workers[0]->begin_background(std::move(*unfinished));
  for (const auto& worker : workers) worker->start();

  const std::string scheme = certificate != nullptr ? "https://" : "http://";
  const std::string url = browser_url(scheme, *address, listen->host);
  print_line("listening on " + scheme + address->to_string());
  // Browsers warn of such a certificate: whoever compares this with what they show knows that it is the right one.
  if (options.tls_self_signed) print_line("certificate SHA-256 " + certificate->fingerprint());
  if (options.login_link) {
    const std::string link_secret = login_links.issue(options.login_user, kLoginLinkTtlS, wall_now_us() / 1'000'000);
    print_line("open " + url + "/#login=" + link_secret);
  }
  if (!set_up_secret->empty()) print_line("make the first account, an admin: " + url + "/#setup=" + *set_up_secret);
  log::info("serving", {{"address", address->to_string()},
                        {"workers", workers.size()},
                        {"data", options.data},
                        {"upstream", options.upstream}});

  const int signal = wait_for_end(signals, options, certificate, **jwks);
  log::info("draining", {{"signal", std::string("SIG") + sigabbrev_np(signal)}});
  // Whoever asks a second time does not want to wait: what is stored is stored.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGHUP, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  control = fail(Code::draining);  // ends a backup that is under way
  drain(workers, uint64_t{options.drain_seconds} * 1000);
  for (const auto& worker : workers) worker->stop();
  workers.clear();
  (*store)->close();
  log::info("ended");
  log::stop();
  return 0;
}

}  // namespace bobbin::cli
