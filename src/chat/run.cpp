#include "src/chat/run.h"

#include <algorithm>

#include "src/base/assert.h"

namespace bobbin::chat {

Run::Run(Outbox& outbox, const Uuid& id, std::string user, std::string thread) : outbox_(outbox) {
  started.run_id = id;
  started.user = std::move(user);
  started.thread = std::move(thread);
}

void Run::publish(std::string_view json) {
  if (!log_next(store::RunLogKind::event, json)) return;
  pending_json_.append(json);
  add_pending();
}

void Run::publish_token(std::string_view text) {
  if (!log_next(store::RunLogKind::token, text)) return;
  append_token_event(pending_json_, text);
  add_pending();
}

void Run::publish_reasoning(std::string_view text) {
  if (!log_next(store::RunLogKind::reasoning, text)) return;
  append_reasoning_event(pending_json_, text);
  add_pending();
}

void Run::log_model(std::string_view name) {
  if (log_failure_) return;
  outbox_.log().append(started.run_id, 0, store::RunLogKind::model, name);
  outbox_.add(*this);
}

bool Run::log_next(store::RunLogKind kind, std::string_view logged) {
  if (log_failure_) return false;
  outbox_.log().append(started.run_id, ++last_event_id_, kind, logged);
  return true;
}

void Run::add_pending() {
  pending_.push_back({last_event_id_, pending_json_.size()});
  outbox_.add(*this);
}

void Run::publish_end(std::string_view json) {
  BOBBIN_ASSERT(gate_opened_.is_done() && pending_.empty());
  hand_out({last_event_id_ + 1, json});
}

void Run::on_flushed(Result<void> flushed) noexcept {
  if (flushed) logged_count_ = pending_.size();
  // Ids go on without a gap from what the log has: the end of the run is the next one.
  const size_t lost = pending_.size() - logged_count_;
  pending_.resize(logged_count_);
  pending_json_.resize(pending_.empty() ? 0 : pending_.back().end);
  last_event_id_ -= lost;
  if (gate_opened_.is_done()) hand_out_pending();
  if (lost == 0) return;
  log_failure_ = flushed.error();
  scope.request();  // the last touch: the run may end inside
}

void Run::open_gate() {
  if (gate_opened_.is_done()) return;
  if (!pending_.empty()) outbox_.add(*this);
  gate_opened_.complete();
}

void Run::notify(std::string_view json) { hand_out({0, json}); }

void Run::hand_out_pending() noexcept {
  size_t from = 0;
  for (const Pending& event : pending_) {
    hand_out({event.id, std::string_view(pending_json_).substr(from, event.end - from)});
    from = event.end;
  }
  pending_.clear();
  pending_json_.clear();
  logged_count_ = 0;
}

void Run::hand_out(const Event& event) noexcept {
  std::erase_if(subscribers_, [&](const auto& subscriber) { return !subscriber->on_event(event); });
}

void Run::end_streams() noexcept {
  for (const auto& subscriber : subscribers_) subscriber->on_end();
  subscribers_.clear();
}

void Run::cancel(Cancelled why) noexcept {
  if (cancelled_ == Cancelled::no) cancelled_ = why;
  scope.request();
}

}  // namespace bobbin::chat
