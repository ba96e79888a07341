#include "src/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace bobbin {

void assert_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "bobbin: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace bobbin
