#include "src/loop/frame_pool.h"

#include <cstdlib>
#include <new>

#include "src/base/assert.h"

#if defined(__has_feature)
  #if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    #define BOBBIN_FRAMES_ON_HEAP 1
  #endif
#endif

namespace bobbin {
namespace {

constexpr size_t kClassBytes = 16;  // malloc's own
constexpr size_t kClasses = 256;    // frames up to 4 KiB; larger ones are rare and go to the heap
[[maybe_unused]] constexpr size_t kFreePerClassMax = 256;

struct FreeFrame {
  FreeFrame* next;
};
struct Pool {
  FreeFrame* free[kClasses] = {};
  size_t count[kClasses] = {};
};
thread_local Pool pool;

[[maybe_unused]] constexpr size_t class_of(size_t bytes) { return (bytes + kClassBytes - 1) / kClassBytes - 1; }

void* heap_allocate(size_t bytes) {
  void* memory = std::malloc(bytes);
  BOBBIN_ASSERT(memory != nullptr);
  return memory;
}

}  // namespace

#ifdef BOBBIN_FRAMES_ON_HEAP
void* allocate_frame(size_t bytes) { return heap_allocate(bytes); }
void free_frame(void* frame, size_t) noexcept { std::free(frame); }
#else
void* allocate_frame(size_t bytes) {
  const size_t size_class = class_of(bytes);
  if (size_class >= kClasses) return heap_allocate(bytes);
  if (FreeFrame* frame = pool.free[size_class]) {
    pool.free[size_class] = frame->next;
    --pool.count[size_class];
    return frame;
  }
  return heap_allocate((size_class + 1) * kClassBytes);
}

void free_frame(void* frame, size_t bytes) noexcept {
  const size_t size_class = class_of(bytes);
  if (size_class >= kClasses || pool.count[size_class] >= kFreePerClassMax) {
    std::free(frame);
    return;
  }
  pool.free[size_class] = new (frame) FreeFrame{pool.free[size_class]};
  ++pool.count[size_class];
}
#endif

void release_frame_pool() noexcept {
  for (size_t i = 0; i < kClasses; ++i) {
    while (FreeFrame* frame = pool.free[i]) {
      pool.free[i] = frame->next;
      std::free(frame);
    }
    pool.count[i] = 0;
  }
}

}  // namespace bobbin
