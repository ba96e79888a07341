#include "src/cli/control_protocol.h"

#include <simdjson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "src/base/json.h"
#include "src/base/text.h"

namespace bobbin::cli {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// The command's own fields: each name at most once, of its type.
Result<void> take_field(ControlRequest& request, std::string_view name, const element& value) {
  const auto is = [&](auto& out) { return value.get(out) == simdjson::SUCCESS; };
  bool flag = false;
  uint64_t number = 0;
  std::string_view text;
  if (name == "to" && is(text)) {
    request.backup.to = text;
  } else if (name == "keep" && is(number) && number <= 1'000'000) {
    request.backup.keep = static_cast<uint32_t>(number);
  } else if (name == "with_secret" && is(flag)) {
    request.backup.with_secret = flag;
  } else if (name == "verify" && is(flag)) {
    request.backup.verify = flag;
  } else {
    return fail(Code::invalid, 0, "the server does not know this option of the command");
  }
  return {};
}

std::string_view text_of(const object& from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

uint64_t number_of(const object& from, std::string_view name) {
  uint64_t number = 0;
  return from[name].get(number) == simdjson::SUCCESS ? number : 0;
}

}  // namespace

std::string format_control_request(const ControlRequest& request) {
  std::string line;
  json::Object object(line);
  switch (request.command) {
    case ControlRequest::Command::backup:
      object.field("command", "backup").field("to", request.backup.to).number("keep", request.backup.keep);
      object.boolean("with_secret", request.backup.with_secret).boolean("verify", request.backup.verify);
      break;
    case ControlRequest::Command::verify: object.field("command", "verify"); break;
    case ControlRequest::Command::doctor: object.field("command", "doctor"); break;
  }
  object.close();
  return line + "\n";
}

Result<ControlRequest> parse_control_request(std::string_view line) {
  simdjson::dom::parser parser;
  object fields;
  if (parser.parse(line.data(), line.size(), true).get(fields) != simdjson::SUCCESS) {
    return fail(Code::malformed, 0, "the request is no JSON object");
  }
  ControlRequest request;
  const std::string_view command = text_of(fields, "command");
  if (command == "backup") {
    request.command = ControlRequest::Command::backup;
  } else if (command == "verify") {
    request.command = ControlRequest::Command::verify;
  } else if (command != "doctor") {
    return fail(Code::invalid, 0, "the server does not know this command");
  }
  for (const auto [name, value] : fields) {
    if (name == "command") continue;
    if (request.command != ControlRequest::Command::backup) {
      return fail(Code::invalid, 0, "the server does not know this option of the command");
    }
    TRY(take_field(request, name, value));
  }
  if (request.command == ControlRequest::Command::backup && !request.backup.to.starts_with('/')) {
    return fail(Code::invalid, 0, "the backup directory has to be given from the root");
  }
  return request;
}

std::string format_control_progress(const store::Progress& progress) {
  std::string line;
  json::Object object(line);
  json::Object step(object.key("progress"));
  step.field("stage", progress.stage);
  json::append_uint(step.key("done"), progress.done);
  json::append_uint(step.key("total"), progress.total);
  step.field("unit", progress.unit).close();
  object.close();
  return line + "\n";
}

std::string format_control_answer(const ToolAnswer& answer) {
  std::string line;
  json::Object object(line);
  object.key("result").append(answer.json);
  object.field("text", to_utf8_lossy(answer.text)).number("exit_code", answer.exit_code).close();
  return line + "\n";
}

std::string format_control_error(const Error& error) {
  std::string line;
  json::Object object(line);
  json::Object inner(object.key("error"));
  inner.field("code", code_name(error.code)).field("detail", complaint_of(error)).close();
  object.close();
  return line + "\n";
}

Result<ControlLine> parse_control_line(std::string_view text) {
  simdjson::dom::parser parser;
  object fields;
  if (parser.parse(text.data(), text.size(), true).get(fields) != simdjson::SUCCESS) {
    return fail(Code::malformed, 0, "the server's answer is no JSON object");
  }
  ControlLine line;
  object inner;
  if (fields["progress"].get(inner) == simdjson::SUCCESS) {
    line.progress = ControlLine::Step{std::string(text_of(inner, "stage")), number_of(inner, "done"),
                                      number_of(inner, "total"), std::string(text_of(inner, "unit"))};
  } else if (fields["result"].get(inner) == simdjson::SUCCESS) {
    line.answer = ToolAnswer{simdjson::minify(inner), std::string(text_of(fields, "text")),
                             static_cast<int>(number_of(fields, "exit_code"))};
  } else if (fields["error"].get(inner) == simdjson::SUCCESS) {
    line.complaint = text_of(inner, "detail");
  } else {
    return fail(Code::malformed, 0, "the server's answer is none that this program knows");
  }
  return line;
}

Result<ToolAnswer> run_control_request(store::Store& store, const ControlRequest& request, store::Watch& watch) {
  switch (request.command) {
    case ControlRequest::Command::backup: {
      TRY_ASSIGN(const store::BackupReport report, store.backup(request.backup, watch));
      return answer_of(report);
    }
    case ControlRequest::Command::verify: {
      TRY_ASSIGN(const store::VerifyReport report, store.verify({}, watch));
      return answer_of(report);
    }
    case ControlRequest::Command::doctor: {
      TRY_ASSIGN(const store::DoctorReport report, store.examine());
      return answer_of(report);
    }
  }
  return fail(Code::internal);
}

bool control_address(const std::string& data, int directory_fd, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  std::string path = data + "/" + kControlSocketName;
  if (path.size() >= sizeof address.sun_path) {
    path = "/proc/self/fd/" + std::to_string(directory_fd);
    if (access(path.c_str(), X_OK) != 0) return false;
    path = path + "/" + kControlSocketName;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

}  // namespace bobbin::cli
