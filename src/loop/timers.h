#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bobbin {

class TimerQueue;

// A deadline that belongs to an object. Destroying it disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // (Re)arms for `deadline_ms` on the queue's clock. Cheap to call again with a later time.
  void arm(TimerQueue& queue, uint64_t deadline_ms);
  void disarm() noexcept;
  [[nodiscard]] bool is_armed() const noexcept { return queue_ != nullptr; }

 protected:
  ~Timer() { disarm(); }
  // Runs on the loop, once for each arm(), at or after the deadline. May arm again, or free the timer's owner.
  virtual void on_timer() noexcept = 0;

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;
  size_t index_ = 0;  // in the heap
};

// All deadlines of one loop in a heap, so that a loop needs one kernel timer however many connections it has.
class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Fires everything due at `now_ms`, earliest first. A timer armed meanwhile for the past waits for the next call.
  void run_due(uint64_t now_ms);

  // The earliest deadline, or UINT64_MAX.
  [[nodiscard]] uint64_t next_deadline_ms() const noexcept;

 private:
  friend class Timer;
  struct Entry {
    uint64_t deadline_ms;
    Timer* timer;
  };
  void place(size_t index, Entry entry) noexcept;
  void sift_up(size_t index) noexcept;
  void sift_down(size_t index) noexcept;
  void remove(size_t index) noexcept;

  std::vector<Entry> heap_;
};

}  // namespace bobbin
