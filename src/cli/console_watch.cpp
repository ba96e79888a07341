#include "src/cli/console_watch.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "src/base/clock.h"
#include "src/cli/tool_answer.h"

namespace bobbin::cli {
namespace {

constexpr int64_t kBetweenDrawingsUs = 100'000;
constexpr int64_t kBetweenLinesUs = 10'000'000;
constexpr uint64_t kBarCells = 24;

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int number) {
  interrupted = 1;
  std::signal(number, SIG_DFL);
}

std::string amount(uint64_t number, const char* unit) {
  return std::strcmp(unit, "bytes") == 0 ? format_bytes(number) : std::to_string(number) + " " + unit;
}

// `copying 1.5 MiB`, or with the end known `verifying [######      ] 25 %`.
std::string words_of(const store::Progress& progress) {
  std::string text = progress.stage;
  if (progress.total == 0) return text + " " + amount(progress.done, progress.unit);
  const uint64_t done = std::min(progress.done, progress.total);
  const uint64_t cells = kBarCells * done / progress.total;
  text += " [" + std::string(cells, '#') + std::string(kBarCells - cells, ' ') + "] ";
  return text + std::to_string(100 * done / progress.total) + " %";
}

}  // namespace

ConsoleWatch::ConsoleWatch(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool ConsoleWatch::is_cancelled() noexcept { return interrupted != 0; }

void ConsoleWatch::on_progress(const store::Progress& progress) noexcept {
  if (quiet_) return;
  const int64_t now_us = steady_now_us();
  if (now_us - told_us_ < (terminal_ ? kBetweenDrawingsUs : kBetweenLinesUs)) return;
  // Elsewhere a short work says nothing but its result.
  const bool is_first = told_us_ == 0;
  told_us_ = now_us;
  if (!terminal_ && is_first) return;
  const std::string text = words_of(progress);
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
  std::fflush(stderr);
  drawn_ = terminal_;
}

void ConsoleWatch::clear() noexcept {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace bobbin::cli
