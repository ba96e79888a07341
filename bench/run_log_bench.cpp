// What the run log costs a worker's loop: one append, and one flush of a turn's tokens beside a bare write(2) of the
// same bytes, alternating with it, while the log's own thread syncs. Medians, and the 99th of 100.
//
//   bobbin-run-log-bench [--directory DIR]     DIR is made, used and removed
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/storage_pipeline.h"

namespace bobbin::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 4000;
constexpr size_t kRuns = 16;  // that speak in turns, as the runs of one worker do
constexpr std::string_view kToken = " token";
constexpr size_t kFrameBytes = 33 + kToken.size();

double ns_since(Clock::time_point from) {
  return static_cast<double>(std::chrono::nanoseconds(Clock::now() - from).count());
}

double percentile(std::vector<double>& values, size_t percent) {
  const size_t at = values.size() * percent / 100;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}
double median(std::vector<double>& values) { return percentile(values, 50); }

void measure(RunLog& log, int bare_fd, size_t tokens) {
  const auto writer = log.make_writer();
  std::vector<Uuid> runs(kRuns);
  for (Uuid& run : runs) run = make_uuid_v7(1'700'000'000'000'000);
  const std::string bare(tokens * kFrameBytes, 'x');
  std::vector<double> appends, flushes, writes;
  uint64_t id = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto from = Clock::now();
    ++id;
    for (size_t i = 0; i < tokens; ++i) writer->append(runs[i % kRuns], id, RunLogKind::token, kToken);
    appends.push_back(ns_since(from) / static_cast<double>(tokens));
    from = Clock::now();
    must(writer->flush(), "flush");
    flushes.push_back(ns_since(from) / 1000);
    from = Clock::now();
    if (write(bare_fd, bare.data(), bare.size()) != static_cast<ssize_t>(bare.size())) {
      give_up("write", Error(Code::io, errno));
    }
    writes.push_back(ns_since(from) / 1000);
  }
  const double flush = median(flushes);
  const double write_us = median(writes);
  std::printf("%6zu %12.0f %12.2f %14.2f %8.2f %14.2f %14.2f %18.0f\n", tokens, median(appends), flush, write_us,
              flush / write_us, percentile(flushes, 99), percentile(writes, 99),
              median(appends) + flush * 1000 / static_cast<double>(tokens));
  for (const Uuid& run : runs) writer->end_run(run);
}

int run(const std::string& directory) {
  std::filesystem::create_directories(directory);
  const auto log = must(RunLog::open({.directory = directory + "/runlog"}), "open");
  const int bare_fd = open((directory + "/bare").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (bare_fd < 0) give_up("open", Error(Code::io, errno));
  log->start();
  std::printf(
      "tokens   append, ns    flush, us      write, us    ratio  p99 flush, us  p99 write, us  ns a token in all\n");
  for (const size_t tokens : {1, 4, 16, 64, 256}) measure(*log, bare_fd, tokens);
  close(bare_fd);
  return 0;
}

}  // namespace
}  // namespace bobbin::store

int main(int argc, char** argv) {
  const bool is_given = argc == 3 && std::strcmp(argv[1], "--directory") == 0;
  const std::string directory = is_given ? argv[2] : "/var/tmp/bobbin-run-log-bench";
  const int code = bobbin::store::run(directory);
  std::error_code ignored;  // a left-over directory spoils no figure
  std::filesystem::remove_all(directory, ignored);
  return code;
}
