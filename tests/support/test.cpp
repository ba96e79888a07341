#include "tests/support/test.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
// cmocka.h uses the four above without including them, and knows no C++.
extern "C" {
#include <cmocka.h>
}

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bobbin::test {
namespace {

std::vector<CMUnitTest>& registered_cases() {
  static std::vector<CMUnitTest> cases;
  return cases;
}

void run_case(void** state) {
  // The message outlives the exception: cmocka leaves this frame by longjmp, which must not skip a destructor.
  static char failure[4096];
  failure[0] = '\0';
  try {
    reinterpret_cast<CaseFunction>(*state)();
  } catch (const std::exception& error) {
    std::snprintf(failure, sizeof failure, "%s", error.what()[0] == '\0' ? "exception" : error.what());
  }
  if (failure[0] != '\0') fail_msg("%s", failure);
}

}  // namespace

Registration::Registration(const char* name, CaseFunction function) {
  registered_cases().push_back(CMUnitTest{name, run_case, nullptr, nullptr, reinterpret_cast<void*>(function)});
}

void fail_check(const char* file, int line, const std::string& message) {
  throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + message);
}

}  // namespace bobbin::test

namespace {

// Each case in a process of its own: what cases of hours leave behind (the files of stores whose disk is dead must stay
// open) does not add up. Returns how many failed.
int run_each_alone(char* program) {
  int failed = 0;
  for (const CMUnitTest& test : bobbin::test::registered_cases()) {
    std::string name = test.name;
    char* arguments[] = {program, name.data(), nullptr};
    std::fflush(nullptr);
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0)
      ++failed;
  }
  return failed;
}

// As the server does.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// Runs every case of the program, or those whose name matches the one argument (`*` and `?` are wildcards).
int main(int argc, char** argv) {
  allow_many_files();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
  if (argc == 1 && std::getenv("BOBBIN_TEST_LONG") != nullptr) return run_each_alone(argv[0]);
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  auto& cases = bobbin::test::registered_cases();
  const char* slash = std::strrchr(argv[0], '/');
  return _cmocka_run_group_tests(slash ? slash + 1 : argv[0], cases.data(), cases.size(), nullptr, nullptr);
}
