#pragma once

#include <cstdint>
#include <string>

namespace bobbin {

// Wall-clock microseconds since 1970, UTC. May step back.
int64_t wall_now_us() noexcept;

// Microseconds of a clock that never steps back; its zero means nothing.
int64_t steady_now_us() noexcept;

// A source of wall-clock time; tests pass their own.
using WallClock = int64_t (*)() noexcept;

// RFC 3339 in UTC with microseconds: `2025-12-16T10:30:00.123456Z`, 27 bytes. Years 1970 to 9999; others are clamped.
void append_rfc3339(std::string& out, int64_t wall_us);

}  // namespace bobbin
