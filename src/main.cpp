#include <cstdio>
#include <cstring>

#include "src/cli/commands.h"

namespace {

constexpr char kUsage[] =
    "Bobbin keeps chat threads: sessions, streamed answers, history.\n"
    "\n"
    "  bobbin serve [--listen HOST:PORT] [--data DIR] [--upstream URL|auto|offline]\n"
    "  bobbin token --user ID [--ttl 1h]\n"
    "  bobbin backup --data DIR --to BACKUPS [--keep N] [--verify]\n"
    "  bobbin restore --from BACKUPS --data DIR\n"
    "  bobbin verify --data DIR [--repair]\n"
    "  bobbin doctor --data DIR\n"
    "  bobbin --version\n"
    "\n"
    "bobbin SUBCOMMAND --help lists all options.\n";

}  // namespace

int main(int argc, char** argv) {
  using namespace bobbin::cli;
  const char* subcommand = argc > 1 ? argv[1] : "";
  const int rest_count = argc > 2 ? argc - 2 : 0;
  const char* const* rest = argv + 2;
  if (std::strcmp(subcommand, "serve") == 0) {
    ServeOptions options;
    if (const auto exit_code = parse_serve_options(rest_count, rest, options)) return *exit_code;
    return serve(options);
  }
  if (std::strcmp(subcommand, "token") == 0) {
    TokenOptions options;
    if (const auto exit_code = parse_token_options(rest_count, rest, options)) return *exit_code;
    return print_token(options);
  }
  if (std::strcmp(subcommand, "backup") == 0) {
    BackupCommand command;
    if (const auto exit_code = parse_backup_options(rest_count, rest, command)) return *exit_code;
    return backup(command);
  }
  if (std::strcmp(subcommand, "restore") == 0) {
    RestoreCommand command;
    if (const auto exit_code = parse_restore_options(rest_count, rest, command)) return *exit_code;
    return restore(command);
  }
  if (std::strcmp(subcommand, "verify") == 0) {
    VerifyCommand command;
    if (const auto exit_code = parse_verify_options(rest_count, rest, command)) return *exit_code;
    return verify(command);
  }
  if (std::strcmp(subcommand, "doctor") == 0) {
    DoctorCommand command;
    if (const auto exit_code = parse_doctor_options(rest_count, rest, command)) return *exit_code;
    return doctor(command);
  }
  if (std::strcmp(subcommand, "--version") == 0) {
    std::puts("bobbin " BOBBIN_VERSION);
    return 0;
  }
  const bool asked = std::strcmp(subcommand, "--help") == 0 || std::strcmp(subcommand, "-h") == 0;
  std::fputs(kUsage, asked ? stdout : stderr);
  return asked ? 0 : 2;
}
