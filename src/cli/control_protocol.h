#pragma once

#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>

#include "src/cli/tool_answer.h"
#include "storage/store.h"

// How a subcommand asks the server that has the store open: over DATA/control.sock, a Unix stream socket of mode 0600.
//
// One request for each connection, one JSON object for each line, in UTF-8:
//   → {"command":"backup","to":"/abs/path","keep":7,"with_secret":false,"verify":false}
//     {"command":"verify"}      {"command":"doctor"}
//   ← {"progress":{"stage":"copying","done":1048576,"total":0,"unit":"bytes"}}       none, or many
//   ← {"result":{…},"text":"…","exit_code":0}   or   {"error":{"code":"busy","detail":"…"}}    once, then the end
// `result` is what --json prints and `text` what is printed without. Fields that are missing are false or 0; a field or
// a command that the server does not know is refused. A client that hangs up has cancelled its command.
namespace bobbin::cli {

inline constexpr char kControlSocketName[] = "control.sock";
inline constexpr size_t kControlRequestBytesMax = 64 * 1024;

struct ControlRequest {
  enum class Command : uint8_t { backup, verify, doctor };
  Command command = Command::doctor;
  store::BackupOptions backup;  // for Command::backup
};

// With its line end.
std::string format_control_request(const ControlRequest& request);
// Errors: malformed, invalid.
Result<ControlRequest> parse_control_request(std::string_view line);

// What the server sends.
std::string format_control_progress(const store::Progress& progress);
std::string format_control_answer(const ToolAnswer& answer);
std::string format_control_error(const Error& error);

// A line of the server, for the client. One of the three is there.
struct ControlLine {
  struct Step {
    std::string stage;
    uint64_t done = 0;
    uint64_t total = 0;
    std::string unit;
  };
  std::optional<Step> progress;
  std::optional<ToolAnswer> answer;
  std::optional<std::string> complaint;
};
// Errors: malformed.
Result<ControlLine> parse_control_line(std::string_view line);

// Does what is asked for on the store that this process serves.
Result<ToolAnswer> run_control_request(store::Store& store, const ControlRequest& request, store::Watch& watch);

// The address of DATA/control.sock, also where its path is longer than a socket's address may be (107 bytes): it then
// leads through the open directory `directory_fd`. False: it does not fit anyhow, without /proc.
bool control_address(const std::string& data, int directory_fd, sockaddr_un& address);

}  // namespace bobbin::cli
