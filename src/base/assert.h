#pragma once

namespace bobbin {

// Prints the failed condition and where it stands on standard error and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace bobbin

// States what must be true unless the program itself is wrong. Checked in every build: a process that has
// lost track of its own state must not go on writing somebody's messages. Never for input, disk or network.
#define BOBBIN_ASSERT(condition)                               \
  (__builtin_expect(static_cast<bool>(condition), 1) ? (void)0 \
                                                     : ::bobbin::assert_failed(#condition, __FILE__, __LINE__))
