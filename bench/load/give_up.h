#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bobbin::bench {

// Ends the program: a figure that was measured on half of a set-up is worse than none. `error` is an errno; 0: none.
[[noreturn]] inline void give_up(const char* what, int error = 0) {
  std::fprintf(stderr, "%s%s%s\n", what, error == 0 ? "" : ": ", error == 0 ? "" : std::strerror(error));
  std::exit(1);
}

}  // namespace bobbin::bench
