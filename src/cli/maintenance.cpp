// bobbin backup, restore, verify, doctor: on the store itself, or through the server that has it.

#include <cstdio>
#include <filesystem>

#include "src/cli/commands.h"
#include "src/cli/console_watch.h"
#include "src/cli/control_client.h"

namespace bobbin::cli {
namespace {

int print(const ToolAnswer& answer, bool as_json, ConsoleWatch& watch) {
  watch.clear();
  std::string out = as_json ? answer.json + "\n" : answer.text;
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) return 1;
  return answer.exit_code;
}

template <class Report>
int finish(const Result<Report>& report, std::string_view subject, bool as_json, ConsoleWatch& watch) {
  watch.clear();
  if (!report) return report_failure(complaint_of(report.error()), subject);
  return print(answer_of(*report), as_json, watch);
}

int finish(const ControlReply& reply, std::string_view subject, bool as_json, ConsoleWatch& watch) {
  watch.clear();
  if (!reply.answer) return report_failure(reply.complaint, subject);
  return print(*reply.answer, as_json, watch);
}

// The server's working directory is another.
std::string absolute(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

}  // namespace

int backup(const BackupCommand& command) {
  ConsoleWatch watch(command.json);
  if (command.list) return finish(store::list_backups(command.to), command.to, command.json, watch);
  const store::BackupOptions options{
      .to = absolute(command.to), .with_secret = command.with_secret, .verify = command.verify, .keep = command.keep};
  const std::string subject = command.data + " to " + command.to;
  if (is_served(command.data)) {
    const ControlRequest request{.command = ControlRequest::Command::backup, .backup = options};
    return finish(ask_server(command.data, request, watch), subject, command.json, watch);
  }
  return finish(store::backup_directory(command.data, options, watch), subject, command.json, watch);
}

int restore(const RestoreCommand& command) {
  ConsoleWatch watch(command.json);
  const store::RestoreOptions options{
      .from = command.from, .data = command.data, .id = command.backup, .force = command.force};
  return finish(store::restore_backup(options, watch), command.from + " to " + command.data, command.json, watch);
}

int verify(const VerifyCommand& command) {
  ConsoleWatch watch(command.json);
  if (!command.backups.empty()) {
    return finish(store::verify_backups(command.backups, command.id, watch), command.backups, command.json, watch);
  }
  if (is_served(command.data)) {
    if (command.repair) {
      return report_failure("a store that is served cannot be repaired; stop the server first", command.data);
    }
    const ControlRequest request{.command = ControlRequest::Command::verify, .backup = {}};
    return finish(ask_server(command.data, request, watch), command.data, command.json, watch);
  }
  store::VerifyOptions options;
  options.repair = command.repair;
  const auto outcome = store::verify_directory(command.data, options, watch);
  if (!outcome || command.repair) return finish(outcome, command.data, command.json, watch);
  return print(answer_of(outcome->left), command.json, watch);
}

int doctor(const DoctorCommand& command) {
  ConsoleWatch watch(true);
  std::string complaint;
  if (is_served(command.data)) {
    const ControlReply reply = ask_server(command.data, {}, watch);
    if (reply.answer) return print(*reply.answer, command.json, watch);
    complaint = reply.complaint;
  }
  // Also beside a server that cannot be asked: nothing is changed, and what is read is what was on disk.
  auto report = store::examine(command.data, nullptr);
  if (report && !complaint.empty()) {
    report->in_use = true;
    report->advice.push_back({complaint, "what is said here was read beside it"});
  }
  return finish(report, command.data, command.json, watch);
}

}  // namespace bobbin::cli
