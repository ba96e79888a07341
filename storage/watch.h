#pragma once

#include <cstdint>

// How a long work of the tools (backup, restore, verify) tells how far it is, and hears that nobody wants it any more.
namespace bobbin::store {

struct Progress {
  const char* stage = "";  // a literal: what is being done, as in "copying"
  uint64_t done = 0;       // in `unit`
  uint64_t total = 0;      // 0: not known
  const char* unit = "";   // a literal: "bytes" or "rows"
};

// Implemented by whoever asked for the work. Both are called often (each file, each 128 KiB, each thousand
// rows), on the thread that works or on one that works for it, never on two at a time.
class Watch {
 public:
  virtual ~Watch() = default;
  // True: the work ends soon, with Code::cancelled, and leaves nothing half-done that a later work could mistake.
  virtual bool is_cancelled() noexcept { return false; }
  virtual void on_progress(const Progress& progress) noexcept { static_cast<void>(progress); }
};

}  // namespace bobbin::store
