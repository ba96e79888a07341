#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/limits.h"

// What the command line, the environment and the config file say, as plain values.
namespace bobbin::cli {

struct ServeOptions {
  std::string listen = "127.0.0.1:8787";
  std::string data = "data";
  std::string upstream = "auto";  // auto, offline or a URL
  std::string upstream_key_file;
  std::string upstream_key;
  std::string upstream_ca;
  uint32_t upstream_connect_timeout_ms = limits::kUpstreamConnectTimeoutMs;
  uint32_t upstream_first_byte_timeout_ms = limits::kUpstreamFirstByteTimeoutMs;
  uint32_t upstream_idle_timeout_ms = limits::kUpstreamIdleTimeoutMs;
  std::string model;
  std::string system_prompt;
  uint32_t context_tokens = 8000;
  std::string titles = "off";  // off, after or during the first answer
  std::string memory = "on";   // off or on
  std::string tools;           // file; empty: the assistant can call nothing
  std::string jwt_secret_file;
  std::string jwt_secret;
  std::string jwks;  // file or URL; empty: none
  std::string jwt_issuer;
  std::string jwt_audience = "authenticated";
  std::string registration = "closed";  // open, invite or closed
  std::vector<std::string> cors_origins;
  std::string tls_cert;
  std::string tls_key;
  bool tls_self_signed = false;
  std::vector<std::string> trusted_proxies;
  std::optional<uint32_t> limit_requests;  // absent, of all three: as serve.cpp says, by who can reach the server
  std::optional<uint32_t> limit_address_requests;
  std::optional<uint32_t> limit_runs;
  uint32_t workers = 0;  // 0: one for each core
  uint32_t drain_seconds = 10;
  uint32_t block_cache_mib = 32;
  uint32_t keep_days = 0;  // 0: for ever
  uint32_t disk_low_mib = 64;
  uint32_t disk_reserve_mib = 16;
  bool login_link = false;
  std::string login_user = "owner";
  std::string log_level = "info";
  std::string log_format = "text";
  bool log_messages = false;
};

struct TokenOptions {
  std::string user;
  std::string ttl = "1h";
  std::string role;
  std::string scope;
  std::string data = "data";
  std::string jwt_secret_file;
  std::string jwt_secret;
};

struct BackupCommand {
  std::string data = "data";
  std::string to;
  uint32_t keep = 0;  // 0: all
  bool list = false;
  bool verify = false;
  bool with_secret = false;
  bool json = false;
};

struct RestoreCommand {
  std::string from;
  std::string data;
  uint32_t backup = 0;  // 0: the newest
  bool force = false;
  bool json = false;
};

struct VerifyCommand {
  std::string data = "data";
  std::string backups;  // a backup directory instead of a data directory
  uint32_t id = 0;      // of one backup there; 0: all
  bool repair = false;
  bool json = false;
};

struct DoctorCommand {
  std::string data = "data";
  bool json = false;
};

// Fill `options` from the arguments after the subcommand. A number: the process should end with it (help was printed,
// or a mistake and what to do about it).
std::optional<int> parse_serve_options(int argc, const char* const* argv, ServeOptions& options);
std::optional<int> parse_token_options(int argc, const char* const* argv, TokenOptions& options);
std::optional<int> parse_backup_options(int argc, const char* const* argv, BackupCommand& command);
std::optional<int> parse_restore_options(int argc, const char* const* argv, RestoreCommand& command);
std::optional<int> parse_verify_options(int argc, const char* const* argv, VerifyCommand& command);
std::optional<int> parse_doctor_options(int argc, const char* const* argv, DoctorCommand& command);

}  // namespace bobbin::cli
