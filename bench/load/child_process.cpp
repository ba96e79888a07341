#include "bench/load/child_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>

#include "bench/load/give_up.h"

namespace bobbin::bench {
namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments, int core, int output, const std::string& log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin_to_core(core);
  dup2(output, STDOUT_FILENO);
  if (!log.empty()) dup2(open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600), STDERR_FILENO);
  std::vector<char*> argv;
  // execv() takes what it does not change as pointers to what it could.
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  give_up(argv[0], errno);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, int core, const std::string& log) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2", errno);
  pid_ = fork();
  if (pid_ < 0) give_up("fork", errno);
  if (pid_ == 0) become(arguments, core, ends[1], log);
  close(ends[1]);
  output_ = ends[0];
}

ChildProcess::~ChildProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

std::string ChildProcess::read_line(std::string_view begin) {
  std::string line;
  for (char c = 0; ::read(output_, &c, 1) == 1;) {
    if (c != '\n') {
      line.push_back(c);
    } else if (line.starts_with(begin)) {
      return line.substr(begin.size());
    } else {
      line.clear();
    }
  }
  give_up("the child has ended before it was ready");
}

CpuTime ChildProcess::cpu_time() const {
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(tasks.c_str()), closedir);
  if (directory == nullptr) give_up("the child has ended", errno);
  CpuTime sum;
  while (const dirent* entry = readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe): a directory of our own
    if (entry->d_name[0] == '.') continue;                  // `..` has such a file too: the first thread's
    std::ifstream file(tasks + '/' + entry->d_name + "/schedstat");
    int64_t ns = 0;
    if (!(file >> ns)) continue;  // a thread that has just ended
    sum.all_ns += ns;
    sum.busiest_ns = std::max(sum.busiest_ns, ns);
  }
  return sum;
}

int64_t ChildProcess::anonymous_bytes() const { return anonymous_bytes_of(pid_); }

int64_t anonymous_bytes_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t kib = 0;
    if (words >> name >> kib && name == "Anonymous:") return kib * 1024;
  }
  give_up("smaps_rollup");
}

int64_t own_cpu_ns() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

int64_t machine_cpu_ns() {
  std::ifstream file("/proc/stat");
  std::string name;
  int64_t user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, soft_interrupts = 0;
  if (!(file >> name >> user >> nice >> system >> idle >> waiting >> interrupts >> soft_interrupts))
    give_up("/proc/stat");
  return (user + nice + system + interrupts + soft_interrupts) * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

void pin_to_core(int core) {
  if (core < 0) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(core), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) give_up("sched_setaffinity", errno);
}

}  // namespace bobbin::bench
