#include "tests/support/test.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
// cmocka.h uses the four above without including them, and knows no C++.
extern "C" {
#include <cmocka.h>
}

#include <cstdio>
#include <cstring>
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

// Runs every case of the program, or those whose name matches the one argument (`*` and `?` are wildcards).
int main(int argc, char** argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  auto& cases = bobbin::test::registered_cases();
  const char* slash = std::strrchr(argv[0], '/');
  return _cmocka_run_group_tests(slash ? slash + 1 : argv[0], cases.data(), cases.size(), nullptr, nullptr);
}
