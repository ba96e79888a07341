#include "tests/fuzz/support/fuzz.h"

// What libFuzzer calls, with this name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bobbin::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
