#include "src/loop/timers.h"

#include "src/base/assert.h"

namespace bobbin {

void Timer::arm(TimerQueue& queue, uint64_t deadline_ms) {
  BOBBIN_ASSERT(queue_ == nullptr || queue_ == &queue);
  if (queue_ == nullptr) {
    queue_ = &queue;
    index_ = queue.heap_.size();
    queue.heap_.push_back({deadline_ms, this});
    queue.sift_up(index_);
    return;
  }
  const uint64_t before = queue.heap_[index_].deadline_ms;
  queue.heap_[index_].deadline_ms = deadline_ms;
  if (deadline_ms < before) {
    queue.sift_up(index_);
  } else {
    queue.sift_down(index_);
  }
}

void Timer::disarm() noexcept {
  if (queue_ != nullptr) queue_->remove(index_);
}

uint64_t TimerQueue::next_deadline_ms() const noexcept { return heap_.empty() ? UINT64_MAX : heap_[0].deadline_ms; }

void TimerQueue::run_due(uint64_t now_ms) {
  // One round fires at most as many as were there: a timer that arms itself without a delay cannot hold the loop.
  for (size_t left = heap_.size(); left > 0 && !heap_.empty() && heap_[0].deadline_ms <= now_ms; --left) {
    Timer* timer = heap_[0].timer;
    remove(0);
    timer->on_timer();
  }
}

void TimerQueue::place(size_t index, Entry entry) noexcept {
  heap_[index] = entry;
  entry.timer->index_ = index;
}

void TimerQueue::sift_up(size_t index) noexcept {
  const Entry entry = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (heap_[parent].deadline_ms <= entry.deadline_ms) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerQueue::sift_down(size_t index) noexcept {
  const Entry entry = heap_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].deadline_ms < heap_[child].deadline_ms) ++child;
    if (heap_[child].deadline_ms >= entry.deadline_ms) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, entry);
}

void TimerQueue::remove(size_t index) noexcept {
  heap_[index].timer->queue_ = nullptr;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  place(index, last);
  sift_up(index);
  sift_down(last.timer->index_);
}

}  // namespace bobbin
