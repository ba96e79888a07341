// The one file that is built with exceptions: CLI11 reports mistakes by them, and all are caught here.

#include "src/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>

#include "src/api/rate_limit.h"
#include "src/cli/option_sources.h"
#include "storage/retention.h"

namespace bobbin::cli {
namespace {

constexpr int kUsageExitCode = 2;

// Options that say the same thing in two ways: whichever stands in the strongest source counts.
const std::vector<std::vector<std::string>> kSettings = {{"jwt-secret", "jwt-secret-file"},
                                                         {"upstream-key", "upstream-key-file"}};

std::vector<OptionName> option_names(const CLI::App& app) {
  std::vector<OptionName> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames()[0] == "help") continue;
    names.push_back({option->get_lnames()[0], option->get_expected_max() > 1});
  }
  return names;
}

// The file of `--config`, from the flags or else the environment; empty: none.
std::string config_path(const std::vector<std::string>& flags, const OptionValues& environment) {
  std::string path;
  if (const auto found = environment.find("config"); found != environment.end()) path = found->second[0];
  for (size_t i = 0; i < flags.size(); ++i) {
    if (flags[i] == "--config" && i + 1 < flags.size()) path = flags[i + 1];
    if (flags[i].starts_with("--config=")) path = flags[i].substr(9);
  }
  return path;
}

// All sources as one list of arguments, in the order that CLI11 wants: the last first. Throws CLI::Error.
std::vector<std::string> gather_arguments(const CLI::App& app, int argc, const char* const* argv) {
  const std::vector<std::string> flags(argv, argv + argc);
  for (const std::string& flag : flags) {
    if (flag.starts_with("--") && flag.ends_with('=')) throw CLI::ArgumentMismatch(flag + " has no value");
  }
  const std::vector<OptionName> names = option_names(app);
  const OptionValues environment = read_environment(names);
  OptionValues config;
  if (const std::string path = config_path(flags, environment); !path.empty()) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw CLI::FileError("cannot read the config file " + path);
    std::string complaint;
    std::optional<OptionValues> parsed = parse_config(text, names, complaint);
    if (!parsed) throw CLI::FileError(path + ", " + complaint);
    config = std::move(*parsed);
  }
  std::vector<std::string> arguments = merge_sources(flags, environment, config, kSettings);
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

std::optional<int> parse(CLI::App& app, int argc, const char* const* argv) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() == 1 || option->get_expected_max() == 0)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  try {
    app.parse(gather_arguments(app, argc, argv));
    return std::nullopt;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::Error& error) {
    std::cerr << app.get_name() << ": " << error.what() << " (see " << app.get_name() << " --help)\n";
    return kUsageExitCode;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return kUsageExitCode;
  }
}

void add_secret_options(CLI::App& app, std::string& file, std::string& secret) {
  app.add_option("--jwt-secret-file", file, "file with the secret of HS256 tokens (32 bytes or more)")
      ->type_name("FILE");
  app.add_option("--jwt-secret", secret, "the secret itself; better in the environment than on the command line")
      ->type_name("TEXT");
}

}  // namespace

std::optional<int> parse_serve_options(int argc, const char* const* argv, ServeOptions& options) {
  CLI::App app(
      "Serves chats until SIGTERM. Every option is also BOBBIN_<NAME> in the environment and a key of the config file.",
      "bobbin serve");
  std::string config;
  app.add_option("--config", config, "file with options, one `name = value` a line")->type_name("FILE");
  app.add_option("--listen", options.listen, "address and port; port 0 lets the system choose")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  CLI::Option* certificate =
      app.add_option("--tls-cert", options.tls_cert,
                     "serve HTTPS with this certificate and its chain, PEM; SIGHUP reads it again (docs/tls.md)")
          ->type_name("FILE");
  CLI::Option* key = app.add_option("--tls-key", options.tls_key, "its private key, PEM")->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--tls-self-signed", options.tls_self_signed,
               "serve HTTPS with a certificate that is made here and kept in the data directory")
      ->excludes(certificate);
  app.add_option("--data", options.data, "data directory, made when missing")->type_name("DIR")->capture_default_str();
  app.add_option(
         "--upstream", options.upstream,
         "the model: URL of an OpenAI-compatible server, `auto` (look on this machine) or `offline` (the built-in one)")
      ->type_name("URL|auto|offline")
      ->capture_default_str();
  app.add_option("--upstream-key-file", options.upstream_key_file, "file with the API key of the model's server")
      ->type_name("FILE");
  app.add_option("--upstream-key", options.upstream_key, "the key itself; better in the environment")
      ->type_name("TEXT");
  app.add_option("--upstream-ca", options.upstream_ca, "more certificates to trust, PEM")->type_name("FILE");
  const CLI::Range timeout_ms(1u, 86'400'000u);
  app.add_option("--upstream-connect-timeout-ms", options.upstream_connect_timeout_ms,
                 "how long finding and reaching the model's server may take")
      ->check(timeout_ms)
      ->capture_default_str();
  app.add_option("--upstream-first-byte-timeout-ms", options.upstream_first_byte_timeout_ms,
                 "how long the model may take to begin its answer")
      ->check(timeout_ms)
      ->capture_default_str();
  app.add_option("--upstream-idle-timeout-ms", options.upstream_idle_timeout_ms,
                 "how long it may be silent within an answer")
      ->check(timeout_ms)
      ->capture_default_str();
  app.add_option("--model", options.model, "model to ask for; empty: the server's first")->type_name("NAME");
  app.add_option("--system-prompt", options.system_prompt, "what the model is told before every conversation")
      ->type_name("TEXT");
  app.add_option("--context-tokens", options.context_tokens, "how much of a conversation the model is shown")
      ->check(CLI::Range(256u, 4'000'000u))
      ->capture_default_str();
  app.add_option(
         "--titles", options.titles,
         "let the model name conversations: `after` their first answer, or `during` it; `off`: their first words")
      ->check(CLI::IsMember({"off", "after", "during"}))
      ->capture_default_str();
  app.add_option("--memory", options.memory,
                 "let the model fold the older part of a conversation that becomes longer than --context-tokens: `on`; "
                 "`off`: what does not fit is left out")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  app.add_option("--tools", options.tools, "file that says what the assistant can call (docs/tools.md)")
      ->type_name("FILE");
  add_secret_options(app, options.jwt_secret_file, options.jwt_secret);
  app.add_option(
         "--jwks", options.jwks,
         "public keys of an identity provider whose tokens are accepted too: a JWK set, from a file or over https "
         "(docs/identity.md)")
      ->type_name("FILE|URL");
  app.add_option("--jwt-issuer", options.jwt_issuer, "`iss` that tokens must have; empty: any")->type_name("TEXT");
  app.add_option("--jwt-audience", options.jwt_audience, "`aud` that tokens must have, where they have one")
      ->type_name("TEXT")
      ->capture_default_str();
  app.add_option(
         "--registration", options.registration,
         "who may make an account on this server: anybody (`open`), whoever an admin invites (`invite`), nobody "
         "(`closed`). The first admin's account is made by a link that is printed at the start")
      ->check(CLI::IsMember({"open", "invite", "closed"}))
      ->capture_default_str();
  app.add_option("--cors-origin", options.cors_origins,
                 "origins whose pages may call the API, repeated or with commas; `*` for all")
      ->type_name("ORIGIN")
      ->delimiter(',');
  app.add_option(
         "--trusted-proxy", options.trusted_proxies,
         "reverse proxies whose X-Forwarded-For, Forwarded and X-Forwarded-Proto are believed, repeated or with "
         "commas")
      ->type_name("ADDRESS|NETWORK")
      ->delimiter(',');
  app.add_option(
         "--limit-requests", options.limit_requests,
         "requests a minute of each user and each API key; 0: any; default 600, any where only this machine can "
         "call (docs/limits.md)")
      ->type_name("N")
      ->check(CLI::Range(0u, api::RateLimiter::kLimitMax));
  app.add_option(
         "--limit-address-requests", options.limit_address_requests,
         "requests a minute of each client address, before anything is known of the user; default 1200, as above")
      ->type_name("N")
      ->check(CLI::Range(0u, api::RateLimiter::kLimitMax));
  app.add_option("--limit-runs", options.limit_runs,
                 "answers that may be under way at once for each user; default 16, as above")
      ->type_name("N")
      ->check(CLI::Range(0u, 10'000u));
  app.add_option("--workers", options.workers, "event loops; 0: one for each core")
      ->check(CLI::Range(0u, 256u))
      ->capture_default_str();
  app.add_option("--drain-seconds", options.drain_seconds, "how long running answers may go on after SIGTERM")
      ->check(CLI::Range(0u, 3600u))
      ->capture_default_str();
  app.add_option("--block-cache-mib", options.block_cache_mib, "memory for stored data that is read")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--keep-days", options.keep_days,
                 "delete conversations so many days after their last message; 0: never")
      ->check(CLI::Range(0u, store::kKeepDaysMax))
      ->capture_default_str();
  app.add_option("--disk-low-mib", options.disk_low_mib,
                 "with less room on the disk new messages are refused; 0: never")
      ->check(CLI::Range(0u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--disk-reserve-mib", options.disk_reserve_mib, "room kept for deletes on a full disk; 0: none")
      ->check(CLI::Range(0u, 100'000u))
      ->capture_default_str();
  app.add_flag("--print-login-link", options.login_link, "print a link that signs --login-user in, once");
  app.add_option("--login-user", options.login_user, "user id for --print-login-link")
      ->type_name("ID")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "how much is logged")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_option("--log-format", options.log_format, "text for people, json for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_flag("--log-messages", options.log_messages, "log the first 80 characters of every message");
  return parse(app, argc, argv);
}

std::optional<int> parse_token_options(int argc, const char* const* argv, TokenOptions& options) {
  CLI::App app("Prints a signed token for scripts and tests.", "bobbin token");
  app.add_option("--user", options.user, "user id, 1 to 128 bytes")->type_name("ID")->required();
  app.add_option("--ttl", options.ttl, "how long it is good: 90s, 15m, 1h, 30d")->capture_default_str();
  CLI::Option* role = app.add_option("--role", options.role, "admin")->check(CLI::IsMember({"admin"}));
  app.add_option(
         "--scope", options.scope,
         "`replicate`: only for following everybody's changes; `password`: only for setting a new password of the "
         "account --user, once (docs/accounts.md)")
      ->check(CLI::IsMember({"replicate", "password"}))
      ->excludes(role);
  app.add_option("--data", options.data, "data directory, for the secret that is kept there")
      ->type_name("DIR")
      ->capture_default_str();
  add_secret_options(app, options.jwt_secret_file, options.jwt_secret);
  return parse(app, argc, argv);
}

namespace {

void add_json(CLI::App& app, bool& json) { app.add_flag("--json", json, "one JSON object instead of text"); }

constexpr uint32_t kBackupIdMax = 1'000'000'000;

}  // namespace

std::optional<int> parse_backup_options(int argc, const char* const* argv, BackupCommand& command) {
  CLI::App app(
      "Makes a backup of everything that is stored, while the server runs or while it does not. Each backup is whole "
      "by\n"
      "itself and costs only what is new. bobbin restore brings one back.",
      "bobbin backup");
  app.add_option("--data", command.data, "data directory")->type_name("DIR")->capture_default_str();
  app.add_option("--to", command.to, "directory of the backups, made when missing; best on another disk")
      ->type_name("DIR")
      ->required();
  app.add_option("--keep", command.keep, "remove the oldest afterwards, so that so many stay")
      ->type_name("N")
      ->check(CLI::Range(1u, 1'000'000u));
  app.add_flag("--verify", command.verify, "read the new backup once more and compare its checksums");
  app.add_flag("--with-secret", command.with_secret,
               "also the secret that tokens are signed with; without it a restored server signs everybody out");
  app.add_flag("--list", command.list, "make none; show those that are there");
  add_json(app, command.json);
  return parse(app, argc, argv);
}

std::optional<int> parse_restore_options(int argc, const char* const* argv, RestoreCommand& command) {
  CLI::App app(
      "Brings a backup back into a data directory that is missing or empty. Checksums are compared first. When it was\n"
      "cut short, run it again: until then no server uses the directory.",
      "bobbin restore");
  app.add_option("--from", command.from, "directory of the backups")->type_name("DIR")->required();
  app.add_option("--data", command.data, "data directory to make")->type_name("DIR")->required();
  app.add_option("--backup", command.backup, "which backup (bobbin backup --list); without: the newest")
      ->type_name("ID")
      ->check(CLI::Range(1u, kBackupIdMax));
  app.add_flag("--force", command.force,
               "where the directory is not empty: rename it to DIR.before-restore-TIME first; nothing is deleted");
  add_json(app, command.json);
  return parse(app, argc, argv);
}

std::optional<int> parse_verify_options(int argc, const char* const* argv, VerifyCommand& command) {
  CLI::App app(
      "Reads everything that is stored, compares checksums, and says what does not agree. Changes nothing, and can be "
      "run\n"
      "while the server serves. Exit code 1: there are problems.",
      "bobbin verify");
  app.add_option("--data", command.data, "data directory")->type_name("DIR")->capture_default_str();
  CLI::Option* repair = app.add_flag(
      "--repair", command.repair,
      "mend what follows from other data (counts, lists); messages are never touched. Only without a server");
  CLI::Option* backups = app.add_option("--backup", command.backups, "verify the backups in this directory instead")
                             ->type_name("DIR")
                             ->excludes(repair);
  app.add_option("--id", command.id, "only this one of them")
      ->type_name("ID")
      ->check(CLI::Range(1u, kBackupIdMax))
      ->needs(backups);
  add_json(app, command.json);
  return parse(app, argc, argv);
}

std::optional<int> parse_doctor_options(int argc, const char* const* argv, DoctorCommand& command) {
  CLI::App app(
      "Says what is in a data directory: format, sizes, what is unfinished, who uses it, and what to mend. Changes\n"
      "nothing, and works beside a running server and on a damaged directory.",
      "bobbin doctor");
  app.add_option("--data", command.data, "data directory")->type_name("DIR")->capture_default_str();
  add_json(app, command.json);
  return parse(app, argc, argv);
}

}  // namespace bobbin::cli
