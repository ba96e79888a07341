#pragma once

namespace bobbin {

class CancelScope;

// Something that can be asked to end early. Registered from construction or watch() until destruction or unwatch().
class CancelHook {
 public:
  CancelHook() = default;
  CancelHook(const CancelHook&) = delete;
  CancelHook& operator=(const CancelHook&) = delete;

  // From now on, a request of `scope` calls on_cancel(); at once when it has been requested already.
  void watch(CancelScope& scope) noexcept;
  void unwatch() noexcept;

 protected:
  ~CancelHook() { unwatch(); }
  // Asks the operation to end. It completes later, or inside this call, with Code::cancelled; its memory stays until
  // then.
  virtual void on_cancel() noexcept = 0;

 private:
  friend class CancelScope;
  CancelScope* scope_ = nullptr;
  CancelHook* next_ = nullptr;
  CancelHook* previous_ = nullptr;
};

// The lifetime of one run or request, as its operations see it: whoever owns it can ask all of them to end.
// One loop thread. Asking twice is asking once. Outlives its hooks; the last of them may destroy it inside request().
class CancelScope {
 public:
  CancelScope() = default;
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  ~CancelScope();

  void request() noexcept;
  [[nodiscard]] bool is_requested() const noexcept { return requested_; }

 private:
  friend class CancelHook;
  CancelHook* first_ = nullptr;
  bool* destroyed_ = nullptr;  // of the request() under way
  bool requested_ = false;
};

}  // namespace bobbin
