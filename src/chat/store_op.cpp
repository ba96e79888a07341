#include "src/chat/store_op.h"

namespace bobbin::chat {

Task<Result<store::Reply>> StoreOp::run() {
  CO_TRY(store_.submit(*this));
  co_await committed_;
  co_return std::move(*reply_);
}

void StoreOp::on_committed(Result<store::Reply> reply) noexcept {
  reply_.emplace(std::move(reply));
  loop_.mailbox().post(*this);  // the last touch: from here on the loop may free the operation
}

}  // namespace bobbin::chat
