#pragma once

#include <cstddef>

namespace bobbin {

// Memory for coroutine frames: per-thread free lists by size, so that a request's frames cost no malloc once warm.
// A frame is freed on the thread that made it. Sanitizer builds go to the heap each time, so that use after free shows.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;

// Gives the calling thread's free frames back to the heap. Call when the thread's loop has ended.
void release_frame_pool() noexcept;

}  // namespace bobbin
