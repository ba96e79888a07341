#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bobbin::bench {

// Time that a process has spent on a core so far, in user space and in the kernel.
struct CpuTime {
  int64_t all_ns = 0;
  int64_t busiest_ns = 0;  // of the thread that has spent most: with one worker, that
};

// A program that is measured: runs on one core, or on any, and is killed when this object or this process goes.
class ChildProcess {
 public:
  // `arguments[0]` is its path. `core` < 0: any. `log`: the file for its stderr; empty: ours.
  ChildProcess(const std::vector<std::string>& arguments, int core, const std::string& log = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Waits for a line on its stdout that begins with `begin`, and gives the rest of it.
  [[nodiscard]] std::string read_line(std::string_view begin);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // Of the threads that it has now.
  [[nodiscard]] CpuTime cpu_time() const;
  // Memory that is no file's, in use now: what the process itself has taken. Buffers of the kernel are not in it.
  [[nodiscard]] int64_t anonymous_bytes() const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

// As ChildProcess::anonymous_bytes(), of any process of this user.
int64_t anonymous_bytes_of(pid_t pid);
// This process, likewise.
int64_t own_cpu_ns();
// All cores together, whoever used them. In steps of 10 ms.
int64_t machine_cpu_ns();
// This thread and what it starts runs on `core`; < 0: changes nothing.
void pin_to_core(int core);

}  // namespace bobbin::bench
