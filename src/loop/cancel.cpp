#include "src/loop/cancel.h"

#include "src/base/assert.h"

namespace bobbin {

void CancelHook::watch(CancelScope& scope) noexcept {
  BOBBIN_ASSERT(scope_ == nullptr);
  if (scope.requested_) {
    on_cancel();
    return;
  }
  scope_ = &scope;
  previous_ = nullptr;
  next_ = scope.first_;
  if (next_ != nullptr) next_->previous_ = this;
  scope.first_ = this;
}

void CancelHook::unwatch() noexcept {
  if (scope_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : scope_->first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  scope_ = nullptr;
}

CancelScope::~CancelScope() {
  BOBBIN_ASSERT(first_ == nullptr);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void CancelScope::request() noexcept {
  if (requested_) return;
  requested_ = true;
  // A hook may unwatch others, or finish and destroy itself, inside its call: always take the first that is left.
  bool destroyed = false;
  destroyed_ = &destroyed;
  while (!destroyed && first_ != nullptr) {
    CancelHook* hook = first_;
    hook->unwatch();
    hook->on_cancel();
  }
  if (!destroyed) destroyed_ = nullptr;
}

}  // namespace bobbin
