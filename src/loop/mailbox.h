#pragma once

#include <uv.h>

#include <atomic>

namespace bobbin {

// Something for another loop to do. The sender allocates it (mostly inside an operation that lives until then);
// deliver() is the last touch of the mailbox: it may free the mail.
class Mail {
 public:
  Mail() = default;
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;

 protected:
  ~Mail() = default;
  // Runs on the loop's thread.
  virtual void deliver() noexcept = 0;

 private:
  friend class Mailbox;
  Mail* next_ = nullptr;
};

// The way into a loop from other threads. post() is the only call of src/loop that any thread may make.
// Order: mail of one sender arrives in the order it was posted. Cost: one exchange, and one wake-up for all mail that
// waits.
class Mailbox {
 public:
  explicit Mailbox(uv_loop_t* loop);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() = default;

  // `mail` must not be posted again before it was delivered. The mailbox must still be open: senders are stopped first.
  void post(Mail& mail) noexcept;

  // Delivers what waits and closes the handle; the loop's thread only.
  void close() noexcept;

 private:
  static void on_wake(uv_async_t* handle) noexcept;
  void drain() noexcept;

  uv_async_t async_;
  std::atomic<Mail*> newest_{nullptr};
};

}  // namespace bobbin
