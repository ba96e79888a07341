#include "src/chat/outbox.h"

#include <algorithm>

#include "src/chat/run.h"

namespace bobbin::chat {

void Outbox::add(Run& run) {
  if (run.in_outbox_) return;
  run.in_outbox_ = true;
  runs_.push_back(&run);
  loop_.at_turn_end(*this);
}

void Outbox::remove(const Run& run) noexcept {
  std::erase(runs_, &run);
  std::replace(settling_.begin(), settling_.end(), const_cast<Run*>(&run), static_cast<Run*>(nullptr));
}

// A run that the log has failed ends inside, and so may others then: a call from within goes on where the outer one is.
void Outbox::settle() noexcept {
  while (true) {
    if (next_ == settling_.size()) {
      settling_.clear();
      next_ = 0;
      if (runs_.empty()) return;
      settling_.swap(runs_);
      flushed_ = log_.flush();
    }
    Run* const run = settling_[next_++];
    if (run == nullptr) continue;
    run->in_outbox_ = false;
    run->on_flushed(flushed_);  // the run may be gone after it
  }
}

}  // namespace bobbin::chat
