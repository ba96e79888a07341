#pragma once

#include <algorithm>

#include "storage/run_log.h"
#include "tests/unit/storage/store_fixture.h"

// A run log in a directory of its own, on stepped clocks, and short forms of its calls.
namespace bobbin::store::test {

struct LogFixture {
  explicit LogFixture(RunLogOptions options_in = {}) : options(std::move(options_in)) {
    fake_wall_us = kStartUs;
    fake_steady_us = 1'000'000;
    options.directory = directory.path() + "/runlog";
    options.wall_clock = fake_wall;
    options.steady_clock = fake_steady;
    open();
  }
  void open() { log = CHECK_OK(RunLog::open(options)); }
  void reopen() {
    log.reset();
    open();
  }

  // The names of the segments, in order.
  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] std::string path_of(const std::string& segment) const { return options.directory + "/" + segment; }

  LoggedEvents events(const Uuid& run_id, uint64_t after = 0, size_t events_max = 1'000'000,
                      size_t bytes_max = size_t{1} << 30) const {
    return CHECK_OK(log->read_events(run_id, after, events_max, bytes_max));
  }
  // The bytes of all events, one after the other.
  std::string text(const Uuid& run_id) const {
    std::string out;
    for (const LoggedEvent& event : events(run_id).events) out += event.bytes;
    return out;
  }
  std::optional<LoggedRun> run(const Uuid& run_id) const {
    return std::move(CHECK_OK(log->read_runs({{.run_id = run_id, .started_us = fake_wall()}}))[0]);
  }

  TempDirectory directory;
  RunLogOptions options;
  std::unique_ptr<RunLog> log;
};

// Appends one token and flushes.
inline void say(RunLogWriter& writer, const Uuid& run_id, uint64_t event_id, std::string_view text) {
  writer.append(run_id, event_id, RunLogKind::token, text);
  CHECK_OK(writer.flush());
}

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace bobbin::store::test
