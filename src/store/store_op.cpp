#include "src/store/store_op.h"

namespace bobbin::store {

Task<Result<Reply>> StoreOp::run() {
  CO_TRY(store_.submit(*this));
  co_await committed_;
  co_return std::move(*reply_);
}

void StoreOp::on_committed(Result<Reply> reply) noexcept {
  reply_.emplace(std::move(reply));
  loop_.mailbox().post(*this);  // the last touch: from here on the loop may free the operation
}

Task<bool> SubmitOp::applied() {
  co_await applied_;
  co_return started_.has_value();
}

Task<Result<Submitted>> SubmitOp::committed() {
  co_await committed_;
  CO_TRY(*reply_);
  co_return std::get<Submitted>(std::move(**reply_));
}

void SubmitOp::on_applied(const Reply& reply) noexcept {
  started_ = std::get<Submitted>(reply).run;
  loop_.mailbox().post(applied_mail_);
}

void SubmitOp::on_committed(Result<Reply> reply) noexcept {
  reply_.emplace(std::move(reply));
  loop_.mailbox().post(committed_mail_);  // the last touch
}

void SubmitOp::deliver_committed() noexcept {
  // Without an on_applied there was nothing to begin early: whoever waits for that goes on, and then for this.
  if (!applied_.is_done()) applied_.complete();
  committed_.complete();
}

}  // namespace bobbin::store
