#include "src/loop/mailbox.h"

#include "src/base/assert.h"

namespace bobbin {

Mailbox::Mailbox(uv_loop_t* loop) {
  BOBBIN_ASSERT(uv_async_init(loop, &async_, [](uv_async_t* handle) noexcept { on_wake(handle); }) == 0);
  async_.data = this;
}

void Mailbox::post(Mail& mail) noexcept {
  Mail* newest = newest_.load(std::memory_order_relaxed);
  do {
    mail.next_ = newest;
  } while (!newest_.compare_exchange_weak(newest, &mail, std::memory_order_release, std::memory_order_relaxed));
  // Whoever made the box non-empty wakes the loop; the drain takes everything, so others need not.
  if (newest == nullptr) uv_async_send(&async_);
}

void Mailbox::close() noexcept {
  drain();
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
}

void Mailbox::on_wake(uv_async_t* handle) noexcept { static_cast<Mailbox*>(handle->data)->drain(); }

void Mailbox::drain() noexcept {
  Mail* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  Mail* oldest = nullptr;
  while (newest != nullptr) {
    Mail* next = newest->next_;
    newest->next_ = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    Mail* next = oldest->next_;  // deliver() may free it
    oldest->deliver();
    oldest = next;
  }
}

}  // namespace bobbin
