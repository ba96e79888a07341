#include "src/chat/aside.h"

#include <algorithm>
#include <vector>

#include "src/base/assert.h"
#include "src/loop/deadline_scope.h"
#include "src/loop/spawn.h"

namespace bobbin::chat {
namespace {

class ReplySink final : public upstream::DeltaSink {
 public:
  ReplySink(std::function<bool(std::string_view)> is_enough, CancelScope& scope)
      : is_enough_(std::move(is_enough)), scope_(scope) {}

  void on_delta(const upstream::Delta& delta) noexcept override {
    if (delta.kind == upstream::DeltaKind::reasoning) {
      thoughts_bytes_ += delta.text.size();
      if (thoughts_bytes_ > kThoughtsBytesMax) scope_.request();
      return;
    }
    text_.append(delta.text);
    has_enough_ = is_enough_(text_);
    if (has_enough_) scope_.request();  // the last touch
  }
  [[nodiscard]] bool has_enough() const noexcept { return has_enough_; }
  std::string take_text() noexcept { return std::move(text_); }

 private:
  static constexpr size_t kThoughtsBytesMax = 16 * 1024;
  const std::function<bool(std::string_view)> is_enough_;
  CancelScope& scope_;
  std::string text_;
  size_t thoughts_bytes_ = 0;
  bool has_enough_ = false;
};

}  // namespace

Asides::~Asides() { BOBBIN_ASSERT(under_way_.empty()); }

void Asides::begin(const RunDirectory::Aside& aside, size_t count_max, Work work) {
  const auto of_its_kind = std::count_if(under_way_.begin(), under_way_.end(),
                                         [&](const auto& entry) { return entry.first.kind == aside.kind; });
  if (is_closed_ || static_cast<size_t>(of_its_kind) >= count_max) return;
  if (!directory_.add_aside(aside, engine_)) return;
  auto one = std::make_unique<UnderWay>();
  one->aside = aside;
  one->work = std::move(work);
  UnderWay& begun = *under_way_.emplace(aside, std::move(one)).first->second;
  spawn(work_, run(begun));
}

void Asides::cancel(const RunDirectory::Aside& aside) noexcept {
  const auto found = under_way_.find(aside);
  if (found != under_way_.end()) found->second->scope.request();  // the last touch: it may end inside
}

void Asides::close() noexcept {
  is_closed_ = true;
  std::vector<RunDirectory::Aside> asides;
  asides.reserve(under_way_.size());
  for (const auto& [aside, one] : under_way_) asides.push_back(aside);
  for (const RunDirectory::Aside& aside : asides) cancel(aside);
}

Task<void> Asides::run(UnderWay& one) {
  co_await one.work(one.scope);
  directory_.remove_aside(one.aside);
  under_way_.erase(RunDirectory::Aside(one.aside));
}

Task<Result<std::string>> ask_aside(Loop& loop, upstream::Model& model, upstream::Prompt prompt, uint32_t timeout_ms,
                                    std::function<bool(std::string_view)> is_enough, CancelScope& scope) {
  DeadlineScope limits(loop, scope);
  limits.end_in(timeout_ms);
  ReplySink sink(std::move(is_enough), limits.scope());
  prompt.is_aside = true;
  const Result<upstream::Answer> answer = co_await model.stream(std::move(prompt), sink, limits.scope());
  if (scope.is_requested()) co_return fail(Code::cancelled);
  if (answer || sink.has_enough()) co_return sink.take_text();
  if (limits.scope().is_requested()) co_return fail(Code::upstream_timeout, 0, "the model was asked in vain");
  co_return fail(answer.error());
}

}  // namespace bobbin::chat
