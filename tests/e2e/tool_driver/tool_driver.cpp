// A toolbox as a program: `tool_driver CONFIG`. Each line of standard input is a command, each line of standard output
// one JSON object.
//
//   specs                   {"specs":["name",…]}
//   call NAME ARGUMENTS     {"status":"…"}… {"result":"…","is_error":false,"summary":"…"}
//   stop MS NAME ARGUMENTS  the same, and the call is asked to end after MS milliseconds
//
// The end of the input ends it, as the server's end would.

#include <cstdio>
#include <iostream>
#include <string>

#include "src/base/json.h"
#include "src/loop/deadline_scope.h"
#include "src/loop/offload.h"
#include "src/loop/spawn.h"
#include "src/tools/make_toolbox.h"

namespace bobbin {
namespace {

void print_line(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

struct PrintedProgress final : tools::ToolProgress {
  void on_status(std::string_view text) noexcept override {
    std::string line;
    json::Object object(line);
    object.field("status", text).close();
    print_line(line);
  }
};

// Waits for a line on another thread.
struct ReadLine final : BlockingJob {
  std::string line;
  bool is_there = false;
  void work() noexcept override { is_there = static_cast<bool>(std::getline(std::cin, line)); }
};

std::string take_word(std::string& line) {
  const size_t end = line.find(' ');
  std::string word = line.substr(0, end);
  line.erase(0, end == std::string::npos ? line.size() : end + 1);
  return word;
}

Task<void> print_specs(tools::Toolbox& toolbox) {
  CancelScope scope;
  std::string line;
  json::Object object(line);
  object.key("specs").push_back('[');
  bool is_first = true;
  for (const tools::ToolSpec& spec : co_await toolbox.specs(scope)) {
    if (!std::exchange(is_first, false)) line += ',';
    json::append_string(line, spec.name);
  }
  line += "]}";
  print_line(line);
}

Task<void> print_call(Loop& loop, tools::Toolbox& toolbox, std::string line, uint64_t stop_ms) {
  CancelScope scope;
  DeadlineScope limits(loop, scope);
  if (stop_ms > 0) limits.end_in(stop_ms);
  PrintedProgress progress;
  std::string name = take_word(line);
  const tools::ToolResult result = co_await toolbox.call(std::move(name), std::move(line), progress, limits.scope());
  std::string text;
  json::Object object(text);
  object.field("result", result.content).boolean("is_error", result.is_error).field("summary", result.summary).close();
  print_line(text);
}

Task<void> serve_lines(Loop& loop, BlockingPool& pool, net::HttpClient& client, tools::Toolbox& toolbox) {
  for (;;) {
    ReadLine read;
    if (!co_await read.run(pool, loop) || !read.is_there) break;
    std::string line = std::move(read.line);
    const std::string command = take_word(line);
    if (command == "specs") {
      co_await print_specs(toolbox);
    } else if (command == "call") {
      co_await print_call(loop, toolbox, std::move(line), 0);
    } else if (command == "stop") {
      const uint64_t stop_ms = std::stoull(take_word(line));
      co_await print_call(loop, toolbox, std::move(line), stop_ms);
    }
  }
  co_await toolbox.close();
  co_await client.begin_close();
  loop.close();
}

int drive(const std::string& path) {
  std::string complaint;
  const std::optional<tools::ToolsConfig> config = tools::load_tools_config(path, complaint);
  if (!config) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), complaint.c_str());
    return 1;
  }
  Loop loop;
  net::HttpClient client(loop, {});
  const std::unique_ptr<tools::Toolbox> toolbox = tools::make_toolbox(*config, loop, client);
  Gate gate;
  BlockingPool pool(1, 1);
  spawn(gate, serve_lines(loop, pool, client, *toolbox));
  loop.run();
  return 0;
}

}  // namespace
}  // namespace bobbin

int main(int argc, char** argv) { return argc == 2 ? bobbin::drive(argv[1]) : 2; }
